"""Images that questions come with: drawn from data, never taken from anywhere."""

from __future__ import annotations

from alignmeter.suites.images.drawing import alt_text, draw_image, image_parts

__all__ = ["alt_text", "draw_image", "image_parts"]
