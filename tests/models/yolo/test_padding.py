import torch

from vyvod.models.yolo.padding import Frame, grouped


def test_images_are_centred_on_grey() -> None:
    image = torch.rand(3, 30, 61)
    (group,) = grouped([image], 32)
    assert group.images.shape == (1, 3, 32, 64)
    assert group.frames == [Frame(1, 1, 30, 61)]
    assert torch.equal(group.images[0, :, 1:31, 1:62], image)
    outside = torch.ones(32, 64, dtype=torch.bool)
    outside[1:31, 1:62] = False
    assert (group.images[0][:, outside] == 0.5).all()


def test_images_of_one_padded_size_share_a_group() -> None:
    sizes = [(33, 20), (64, 32), (32, 32), (40, 31), (1, 1)]
    images = [torch.full((3, *size), float(place)) for place, size in enumerate(sizes)]
    tall, square = grouped(images, 32)
    assert tall.places == [0, 1, 3]
    assert square.places == [2, 4]
    assert tall.images.shape == (3, 3, 64, 32)
    assert [frame.height for frame in tall.frames] == [33, 64, 40]
    assert (tall.images[1] == 1).all()


def test_a_batch_of_fitting_images_is_not_copied() -> None:
    images = torch.rand(2, 3, 64, 32)
    (group,) = grouped(images, 32)
    assert group.images is images
    assert group.frames == [Frame(0, 0, 64, 32)] * 2
    (group,) = grouped(torch.rand(2, 3, 60, 32), 32)
    assert group.images.shape == (2, 3, 64, 32)
    assert group.frames[1] == Frame(0, 2, 60, 32)
