"""The one form of a benchmark's result: `NAME VALUE UNIT target TARGET ok|short`."""


def line(
    name: str, value: float, unit: str, *, least: float | None = None, most: float | None = None
) -> None:
    """Print one figure; `least` or `most` is its target, a figure without either is told for orientation.

    Name and unit are made one word each, so that the line splits at its blanks.
    """
    name, unit = ("-".join(text.replace(",", "").split()) for text in (name, unit))
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if least is None and most is None:
        print(f"{name} {shown} {unit} target none ok", flush=True)
        return
    good = (least is None or value >= least) and (most is None or value <= most)
    target = f">={least:g}" if least is not None else f"<={most:g}"
    print(f"{name} {shown} {unit} target {target} {'ok' if good else 'short'}", flush=True)
