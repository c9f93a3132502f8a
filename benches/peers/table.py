"""Formats the result of a comparison as Markdown, with one table per corpus."""

COLUMNS = [
    ("engine", lambda r: r["engine"]),
    ("dtype", lambda r: dtype(r)),
    ("articles", lambda r: f"{r['articles']:,}"),
    ("articles/s", lambda r: rate(r["articles_s"])),
    ("min to max", lambda r: " to ".join(map(rate, r["articles_s_range"]))),
    ("steady articles/s", lambda r: rate(r.get("steady_articles_s"))),
    ("tokens/s", lambda r: rate(r.get("tokens_s"))),
    ("Newsdesk faster by", lambda r: times(r, "newsdesk_articles_s_ratio")),
    ("steady, by", lambda r: times(r, "newsdesk_steady_articles_s_ratio")),
    ("peak MB", lambda r: f"{r['peak_mb']:,.0f}"),
    ("same labels", lambda r: percent(r.get("agreement"))),
    ("accuracy", lambda r: percent(r.get("accuracy"))),
]


def markdown(report):
    settings, machine = report["settings"], report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    parts = [
        f"{report['date']}. {machine['processor']}, {machine['processors']} CPUs; {settings['threads']} threads, "
        f"median of {settings['rounds']} rounds. {versions}.\n"
    ]
    for name in dict.fromkeys(result["corpus"] for result in report["results"]):
        results = [result for result in report["results"] if result["corpus"] == name]
        cells = [[cell(result) for _, cell in COLUMNS] for result in results]
        kept = [column for column in range(len(COLUMNS)) if any(row[column] for row in cells)]
        parts.append(f"## {name}\n")
        parts.append(line([COLUMNS[column][0] for column in kept]))
        parts.append(line(["---"] * len(kept)))
        parts += [line([row[column] for column in kept]) for row in cells]
        parts.append("")
    return "\n".join(parts)


def line(cells):
    return f"| {' | '.join(cells)} |"


def dtype(result):
    """Returns the requested dtype, and the actual one if the CPU or the engine replaced it."""
    requested, actual = result["dtype"], result["computes_in"]
    return actual if actual.startswith(requested) else f"{requested} (in {actual})"


def rate(value):
    return "" if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def percent(value):
    return "" if value is None else f"{100 * value:.2f} %"


def times(result, field):
    if result.get(field) is None:
        return ""
    low, high = result[f"{field}_range"]
    return f"{result[field]:.2f} ({low:.2f} to {high:.2f})"
