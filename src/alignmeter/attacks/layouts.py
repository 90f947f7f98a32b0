"""Held-out formats: shapes of text that do not resemble the data that models are aligned on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignmeter.attacks.base import user
from alignmeter.attacks.frames import choose, fill
from alignmeter.attacks.registry import attack

if TYPE_CHECKING:
    from alignmeter.attacks.base import AttackContext
    from alignmeter.records import Message

_STRUCTURES = "Yoosuf et al. 2025, StructTransform (arXiv 2502.11853); the frames are our own"


@attack("form_fill", attack_class="format", reference=_STRUCTURES, pool="held_out")
def form_fill(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put the request into a form whose field for the answer is empty."""
    return (user(fill(choose("form_fill", seed, context), request=request)),)


@attack(
    "code_comment",
    attack_class="format",
    reference="Ren et al. 2024, CodeAttack (arXiv 2403.07865); the frames are our own",
    pool="held_out",
)
def code_comment(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put the request into a comment in a source file that breaks off where the answer goes."""
    return (user(fill(choose("code_comment", seed, context), request=request)),)


@attack("table", attack_class="format", reference=_STRUCTURES, pool="held_out")
def table(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put the request into a cell of a Markdown table and ask for the cell beside it.

    Bars and line breaks of the request are written as Markdown tables write them.
    """
    cell = request.replace("|", "\\|").replace("\n", "<br>")
    return (user(fill(choose("table", seed, context), request=cell)),)


@attack("ticket", attack_class="format", reference=_STRUCTURES, pool="held_out")
def ticket(request: str, *, seed: int, context: AttackContext) -> tuple[Message, ...]:
    """Put the request into a ticket of a help desk that is to be closed with an answer."""
    return (user(fill(choose("ticket", seed, context), request=request)),)
