"""The peer: PyTorch's own VAE example (pytorch/examples, vae/main.py, BSD-3-Clause), on CPU and as a function.

Model, loss and loop are the example's, statement by statement: a DataLoader without workers over torchvision's
MNIST with ToTensor, binary_cross_entropy of the sigmoid, Adam at 1e-3, one `loss.item()` a step. Left out: the
command line, the saved pictures, and the printed lines (1 step in 10).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


class ImagesAsMNIST(datasets.MNIST):
    """torchvision's MNIST, its own __getitem__ included, on images that are in memory already.

    images: (n, 784) uint8; labels: (n,) int64.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        super(datasets.MNIST, self).__init__("", transform=transforms.ToTensor())
        self.data, self.targets = images.reshape(-1, 28, 28), labels


class ExampleVAE(nn.Module):
    """The example's model, 784-400-20-400-784."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z: Tensor) -> Tensor:
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x.view(-1, 784))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """The example's loss: both terms summed over the batch."""
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 784), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


class Example:
    """The example's training, epoch by epoch."""

    def __init__(self, images: Tensor, labels: Tensor, *, batch_size: int = 128, seed: int = 1) -> None:
        torch.manual_seed(seed)
        self.model = ExampleVAE()
        self.optimizer = optim.Adam(self.model.parameters(), lr=1e-3)
        self.train_loader = DataLoader(ImagesAsMNIST(images, labels), batch_size=batch_size, shuffle=True)

    def train_epoch(self) -> float:
        """One epoch. Returns the average loss, in nats per image."""
        self.model.train()
        train_loss = 0.0
        for data, _ in self.train_loader:
            self.optimizer.zero_grad()
            recon_batch, mu, logvar = self.model(data)
            loss = loss_function(recon_batch, data, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            self.optimizer.step()
        return train_loss / len(self.train_loader.dataset)  # type: ignore[arg-type]

    def test(self, images: Tensor) -> float:
        """The example's held-out loss, in nats per image. images: (n, 784) uint8."""
        self.model.eval()
        with torch.no_grad():
            total = sum(float(loss_function(*self._forward(x))) for x in (images.float() / 255).split(128))
        return total / len(images)

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        recon_batch, mu, logvar = self.model(x)
        return recon_batch, x, mu, logvar
