"""ResNet-20 (He et al., CVPR 2016, section 4.2) in PyTorch."""
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions; where they halve the image, every other pixel and channels of zeros go
    around them."""

    def __init__(self, channels, filters):
        super().__init__()
        self.more, self.stride = filters - channels, 1 if filters == channels else 2
        self.body = nn.Sequential(
            nn.Conv2d(channels, filters, 3, self.stride, padding=1, bias=False),
            nn.BatchNorm2d(filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        shortcut = x
        if self.more:
            shortcut = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.more))
        return F.relu(self.body(x) + shortcut)


def resnet20(channels):
    sizes = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    return nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16),
                         nn.ReLU(), *map(Block, sizes, sizes[1:]), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(64, 10))
