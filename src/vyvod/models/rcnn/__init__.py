"""What Faster R-CNN and Mask R-CNN share: torchvision's networks with our options, and their weights."""
