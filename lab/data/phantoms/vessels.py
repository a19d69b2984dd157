"""The vessel trees of the lungs: grown towards targets, tapered so that cross-sections add up."""

from __future__ import annotations

import numpy as np

from lab.data.phantoms.anatomy import Anatomy, stream
from lab.data.phantoms.geometry import Map, Plane, blurred
from lab.data.phantoms.thorax import APEX_X, wall_half_width

LEAVES = 200
LEAF_RADIUS = 0.066
TAPER = 2.1  # parent radius ** TAPER = sum of the children's
CLASSES = ((0.0, 0.10), (0.10, 0.22), (0.22, 0.42), (0.42, 9.0))


def targets(anatomy: Anatomy, rng: np.random.Generator, side: int, count: int) -> Map:
    """Leaf positions (count, 3): spread through the lung, denser and thicker-fed below."""
    y = anatomy.lung_height * rng.beta(1.9, 1.35, count * 3).astype(np.float32)
    outer = wall_half_width(anatomy, y) - 1.3
    share = rng.random(count * 3, dtype=np.float32) ** np.float32(0.8)
    x = 2.2 + (outer - 2.2) * share
    dome = anatomy.dome + 2.2 * np.clip((x - 5.6) / 8, 0, 1) ** 2 + 1.5
    keep = (y < dome) & (y > 1.2) & (np.abs(x - APEX_X) < 0.55 * y + 2.5)
    z = rng.normal(-1.0, 3.4, count * 3).astype(np.float32)
    return np.stack([x * side, y, z], -1)[keep][:count].astype(np.float32)


def artery(root: Map, side: int, height: float) -> Map:
    """The descending artery (5, 3) that the lower lung hangs on: without it all branches start at one point."""
    steps = np.linspace(0, 1, 5, dtype=np.float32)[:, None]
    return root + steps * np.array([1.9 * side, 0.23 * height, -1.5], np.float32)


def grow(stem: Map, leaves: Map, frugality: float) -> tuple[Map, np.ndarray]:
    """Join each leaf to the nearest place of the tree so far, which begins as the chain ``stem`` (k, 3).

    Returns nodes (n, 3) and each node's parent (n,).
    """
    order = np.argsort(np.linalg.norm(leaves - stem[0], axis=1), kind="stable")
    capacity = 2 * len(leaves) + len(stem)
    nodes = np.empty((capacity, 3), np.float32)
    run = np.zeros(capacity, np.float32)
    parent = np.full(capacity, -1, np.int64)
    count = len(stem)
    nodes[:count] = stem
    parent[:count] = np.arange(-1, count - 1)
    for index in order:
        leaf = leaves[index]
        apart = nodes[:count] - leaf
        gap = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        best = int(np.argmin(gap + frugality * run[:count]))
        up = int(parent[best])
        if up >= 0 and gap[best] > 1.2:
            middle = nodes[best] * np.float32(0.6) + nodes[up] * np.float32(0.4)
            nodes[count], parent[count] = middle, up
            run[count] = run[up] + np.float32(0.6) * (run[best] - run[up])
            parent[best] = count
            best, count = count, count + 1
        nodes[count], parent[count] = leaf, best
        last = leaf - nodes[best]
        run[count] = run[best] + np.sqrt(last @ last)
        count += 1
    return nodes[:count], parent[:count]


def radii(nodes: Map, parent: np.ndarray) -> Map:
    """Radius of each node's incoming branch, cm."""
    flow = np.zeros(len(nodes))
    has_child = np.bincount(parent[parent >= 0], minlength=len(nodes)) > 0
    flow[~has_child] = 1
    depth = np.zeros(len(nodes), np.int64)
    climb = parent.copy()
    while (climb >= 0).any():
        depth += climb >= 0
        climb = np.where(climb >= 0, parent[climb], -1)
    for level in range(int(depth.max()), 0, -1):
        here = np.flatnonzero(depth == level)
        np.add.at(flow, parent[here], flow[here])
    return (LEAF_RADIUS * np.maximum(flow, 1) ** (1 / TAPER)).astype(np.float32)


TWIGS = 5
TWIG_STEPS = 12


def twigs(leaves: Map, root: Map, rng: np.random.Generator) -> tuple[Map, Map, Map]:
    """The last branches beyond each leaf: points (n, 3), radii (n,) and volumes (n,); they fan out from the hilum."""
    count = len(leaves) * TWIGS
    start = np.repeat(leaves, TWIGS, axis=0)
    ray = start - root
    ray = ray / (np.linalg.norm(ray, axis=1, keepdims=True) + np.float32(1e-6))
    ray = ray + rng.normal(0, 0.85, (count, 3)).astype(np.float32)
    length = rng.uniform(0.6, 2.0, count).astype(np.float32)
    steps = ((np.arange(TWIG_STEPS, dtype=np.float32) + 0.5) / TWIG_STEPS)[None, :, None]
    points = start[:, None] + ray[:, None] * length[:, None, None] * steps
    size = np.repeat((LEAF_RADIUS * rng.uniform(0.5, 0.95, count)).astype(np.float32), TWIG_STEPS)
    volume = np.pi * size**2 * np.repeat(length / TWIG_STEPS, TWIG_STEPS)
    return points.reshape(-1, 3), size, volume.astype(np.float32)


def tree_points(anatomy: Anatomy, seed: int, patient: int) -> tuple[Map, Map, Map]:
    """Points (n, 3), radii (n,) and volumes (n,) of arteries and veins of both lungs."""
    rng = stream(seed, "vessels", patient)
    h = anatomy.lung_height
    clouds, sizes, volumes = [], [], []
    for side, hilum_y in ((-1, 0.445 * h), (1, 0.405 * h)):
        for kind in range(2):
            root = np.array([side * (2.9 - 0.6 * kind), hilum_y + 1.8 * kind, 0.5 + kind], np.float32)
            leaves = targets(anatomy, rng, side, LEAVES if kind == 0 else int(0.7 * LEAVES))
            stem = artery(root, side, h) if kind == 0 else root[None]
            nodes, parent = grow(stem, leaves, 0.62 if kind == 0 else 0.5)
            radius = radii(nodes, parent)
            child = np.flatnonzero(parent >= 0)
            start, end = nodes[parent[child]], nodes[child]
            length = np.linalg.norm(end - start, axis=1)
            count = np.maximum(2, np.ceil(length / 0.10)).astype(np.int64)
            edge = np.repeat(np.arange(len(child)), count)
            offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
            t = ((offset + 0.5) / count[edge]).astype(np.float32)[:, None]
            sway = rng.normal(0, 0.14, (len(child), 3)).astype(np.float32) * length[:, None]
            point = start[edge] * (1 - t) + end[edge] * t + sway[edge] * (4 * t * (1 - t))
            size = radius[child][edge] * (1.06 - 0.12 * t[:, 0])
            clouds.append(point)
            sizes.append(size)
            volumes.append(np.pi * size**2 * (length / count)[edge])
            twig, twig_size, twig_volume = twigs(leaves, root, rng)
            clouds.append(twig)
            sizes.append(twig_size)
            volumes.append(twig_volume)
        clouds.append(
            root
            + rng.normal(0, 1, (14, 3)).astype(np.float32) * np.array([0.5, 1.5, 1.0], np.float32)
            + np.array([0.6 * side, 0.2, 0], np.float32)
        )
        sizes.append(np.full(14, 0.75, np.float32))
        volumes.append(rng.uniform(0.3, 1.1, 14))
    return (
        np.concatenate(clouds),
        np.concatenate(sizes).astype(np.float32),
        np.concatenate(volumes).astype(np.float32),
    )


def vessel_thickness(anatomy: Anatomy, plane: Plane, tree: tuple[Map, Map, Map]) -> Map:
    """Thickness of blood along the beam, cm (size, size); fine branches stay sharp, wide ones round."""
    cloud, radius, volume = tree
    total = np.zeros_like(plane.x)
    for low, high in CLASSES:
        chosen = (radius >= low) & (radius < high)
        if chosen.any():
            sigma = float(np.mean(radius[chosen])) * 0.5 / plane.pixel
            total += blurred(plane.splat(cloud[chosen], volume[chosen]), max(sigma, 0.75))
    return total * np.float32(anatomy.vascularity)
