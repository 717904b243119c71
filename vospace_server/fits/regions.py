"""Which pixels of an image a region of the sky covers: the box around all of it."""

import math
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from astropy import units
from astropy.coordinates import ICRS, SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from vospace_server.domain.cutout import Circle, PixelRange, Polygon, Region, SkyRange

_POINTS_ON_CIRCLE: Final = 180
_POINTS_ON_EDGE: Final = 33
_SAMPLES: Final = 33


def pixels_covered(hdu: Any, hdus: Any, region: Region) -> tuple[PixelRange, ...] | None:
    """A range for each axis of an image; None when it has no celestial coordinates.

    A region that lies beside the image gives ranges that lie beside it, too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(hdu.header, fobj=hdus)
        if not wcs.has_celestial:
            return None
        celestial = wcs.celestial
        shape = hdu.shape[::-1]
        axes = (wcs.wcs.lng, wcs.wcs.lat)
        sizes = [shape[axis] for axis in axes]
        points = _boundary(region)
        pixels = _to_pixels(celestial, points)
        known = np.isfinite(pixels).all(axis=1)
        covered = pixels[known]
        if not known.all():
            # A part of the boundary is not on this projection; what of the image is inside?
            covered = np.vstack([covered, _inside(celestial, region, sizes)])
    ranges = [PixelRange() for _ in shape]
    for column, axis in enumerate(axes):
        ranges[axis] = _range(covered[:, column])
    return tuple(ranges)


def _range(coordinates: Any) -> PixelRange:
    """The pixels that hold these coordinates; pixel p reaches from p - 0.5 to p + 0.5."""
    if not len(coordinates):
        return PixelRange(first=0, last=0)
    low, high = float(np.min(coordinates)), float(np.max(coordinates))
    limit = 2.0**53
    return PixelRange(
        first=math.floor(max(low, -limit) + 0.5), last=math.ceil(min(high, limit) - 0.5)
    )


def _to_pixels(celestial: WCS, points: SkyCoord) -> Any:
    longitudes, latitudes = _in_frame(celestial, points)
    world = np.column_stack([longitudes, latitudes])
    return celestial.all_world2pix(world, 1, quiet=True)


def _in_frame(celestial: WCS, points: SkyCoord) -> tuple[Any, Any]:
    points = points.transform_to(_frame_of(celestial))
    return points.spherical.lon.deg, points.spherical.lat.deg


def _boundary(region: Region) -> SkyCoord:
    """Points around a region, dense enough that no pixel of weight is left out."""
    match region:
        case Circle():
            centre = SkyCoord(region.longitude, region.latitude, unit="deg")
            angles = np.linspace(0, 360, _POINTS_ON_CIRCLE, endpoint=False) * units.deg
            return centre.directional_offset_by(angles, region.radius * units.deg)
        case Polygon():
            return _along(region.vertices)
        case SkyRange():
            return _around(region)


def _along(vertices: Sequence[tuple[float, float]]) -> SkyCoord:
    """Points on the great circles between vertices: evenly between them on the chord."""
    corners = SkyCoord([v[0] for v in vertices], [v[1] for v in vertices], unit="deg")
    here = corners.cartesian.xyz.value
    there = np.roll(here, -1, axis=1)
    parts = np.linspace(0, 1, _POINTS_ON_EDGE, endpoint=False)
    points = here[:, :, None] * (1 - parts) + there[:, :, None] * parts
    x, y, z = points.reshape(3, -1)
    return SkyCoord(np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y))),
                    unit="deg")  # fmt: skip


def _around(region: SkyRange) -> SkyCoord:
    west_east = np.linspace(*region.longitudes, 8 * _POINTS_ON_EDGE)
    south_north = np.linspace(*region.latitudes, 4 * _POINTS_ON_EDGE)
    longitudes = [
        west_east,
        west_east,
        *(np.full_like(south_north, at) for at in region.longitudes),
    ]
    latitudes = [
        *(np.full_like(west_east, at) for at in region.latitudes),
        south_north,
        south_north,
    ]
    return SkyCoord(np.concatenate(longitudes), np.concatenate(latitudes), unit="deg")


def _inside(celestial: WCS, region: Region, sizes: Sequence[int]) -> Any:
    """Those of a grid of pixels over an image that lie in a region, and their neighbours."""
    grids = np.meshgrid(*(np.linspace(0.5, size + 0.5, _SAMPLES) for size in sizes))
    pixels = np.column_stack([grid.ravel() for grid in grids])
    world = celestial.all_pix2world(pixels, 1)
    known = np.isfinite(world).all(axis=1)
    pixels, world = pixels[known], world[known]
    frame = _frame_of(celestial)
    points = SkyCoord(world[:, 0], world[:, 1], unit="deg", frame=frame).icrs
    inside = pixels[_contains(region, points)]
    around = [size / (_SAMPLES - 1) for size in sizes]
    return np.vstack([inside - around, inside + around])


def _frame_of(celestial: WCS) -> Any:
    """The frame of its coordinates; one that nobody knows is taken for ICRS."""
    try:
        return wcs_to_celestial_frame(celestial)
    except ValueError:
        return ICRS()


def _contains(region: Region, points: SkyCoord) -> Any:
    match region:
        case Circle():
            centre = SkyCoord(region.longitude, region.latitude, unit="deg")
            return points.separation(centre).deg <= region.radius
        case SkyRange():
            east_of = (points.ra.deg - region.longitudes[0]) % 360
            width = region.longitudes[1] - region.longitudes[0]
            south, north = region.latitudes
            return (east_of <= width) & (south <= points.dec.deg) & (points.dec.deg <= north)
        case Polygon():
            return _turns_around(region, points)


def _turns_around(polygon: Polygon, points: SkyCoord) -> Any:
    """Whether the bearing of the vertices turns once around a point as one walks along them."""
    corners = SkyCoord(
        [v[0] for v in polygon.vertices], [v[1] for v in polygon.vertices], unit="deg"
    )
    bearings = points[:, None].position_angle(corners[None, :]).rad
    turns = np.diff(np.column_stack([bearings, bearings[:, 0]]), axis=1)
    turns = (turns + np.pi) % (2 * np.pi) - np.pi
    return np.abs(turns.sum(axis=1)) > np.pi
