"""A measurement's result, and how it is shown: one line each, a table at the end, JSON for machines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Goal:
    """What was promised.

    Args:
        of: `figure` or `ratio`.
        least: the smallest value that keeps the promise, or None.
        most: the largest, or None.
    """

    of: str
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value keeps it."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        bound = f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"
        return f"{self.of} {bound}"


@dataclass(frozen=True)
class Figure:
    """One result.

    Args:
        name: of what.
        value: median over the rounds.
        unit: of the value.
        ratios: one for each round, to what `against` says.
        against: the reference.
        goal: the promise, if there is one.
        details: further numbers, by name and unit.
    """

    name: str
    value: float
    unit: str
    ratios: Sequence[float] = ()
    against: str = ""
    goal: Goal | None = None
    details: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Median of the ratios."""
        return median(self.ratios) if self.ratios else None

    @property
    def verdict(self) -> str:
        """`ok`, `missed`, or nothing where nothing was promised."""
        if self.goal is None:
            return ""
        value = self.value if self.goal.of == "figure" else self.ratio
        return "ok" if value is not None and self.goal.met(value) else "missed"

    def line(self) -> str:
        """All of it in a line."""
        parts = [f"{self.name}: {_short(self.value)} {self.unit}"]
        if self.ratio is not None:
            spread = f" ({min(self.ratios):.2f}–{max(self.ratios):.2f})" if len(self.ratios) > 1 else ""
            parts.append(f"{self.ratio:.2f}{spread} of {self.against}")
        parts += [f"{name} {_short(value)}" for name, value in self.details.items()]
        if self.goal:
            parts.append(f"goal {self.goal}: {self.verdict}")
        return "; ".join(parts)

    def as_json(self) -> dict[str, object]:
        """All of it as JSON values."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "ratio": self.ratio,
            "ratios": list(self.ratios),
            "against": self.against,
            "goal": str(self.goal) if self.goal else None,
            "verdict": self.verdict or None,
            "details": self.details,
        }


def table(figures: Iterable[Figure]) -> str:
    """The figures under each other."""
    rows = [("", "figure", "ratio", "goal", "")] + [
        (
            figure.name,
            f"{_short(figure.value)} {figure.unit}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            str(figure.goal or ""),
            figure.verdict,
        )
        for figure in figures
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
