"""Formats the result of a comparison as Markdown: one table per corpus, or per model and corpus."""

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
    parts = [heading(report)]
    for name in distinct(report["results"], "corpus"):
        parts += section(name, [result for result in report["results"] if result["corpus"] == name])
    return "\n".join(parts)


def architectures(report):
    """Formats the report of architectures.py: articles/s of all models, then the details, then what failed."""
    results = report["results"]
    short = [result for result in results if not result["corpus"].startswith("long/")]
    parts = [heading(report)]
    for name in distinct(short, "corpus"):
        parts += overview(name, [result for result in short if result["corpus"] == name])
    for model in distinct(results, "model"):
        own = [result for result in results if result["model"] == model]
        for name in distinct(own, "corpus"):
            parts += section(f"{model}, {name}", [result for result in own if result["corpus"] == name])
    reasons = distinct([{"text": f"{f['engine']}, {f['model']}: {f['reason']}"} for f in report["failures"]], "text")
    if reasons:
        parts += ["## Failures\n", *(f"- {reason}" for reason in reasons), ""]
    return "\n".join(parts)


def heading(report):
    settings, machine = report["settings"], report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return (
        f"{report['date']}. {machine['processor']}, {machine['processors']} CPUs; {settings['threads']} threads, "
        f"median of {settings['rounds']} rounds. {versions}.\n"
    )


def section(title, results):
    """Returns the lines of a table with all columns that have values."""
    cells = [[cell(result) for _, cell in COLUMNS] for result in results]
    kept = [column for column in range(len(COLUMNS)) if any(row[column] for row in cells)]
    return table(title, [COLUMNS[column][0] for column in kept], [[row[column] for column in kept] for row in cells])


def overview(corpus, results):
    """Returns the lines of a table of articles/s, with a row for each engine and a column for each model."""
    models = distinct(results, "model")
    found = {}
    for result in results:
        found.setdefault((result["engine"], result["dtype"]), {})[result["model"]] = rate(result["articles_s"])
    rows = [[*job, *(rates.get(model, "") for model in models)] for job, rates in found.items()]
    return table(f"Articles/s, {corpus}", ["engine", "dtype", *models], rows)


def table(title, columns, rows):
    return [f"## {title}\n", line(columns), line(["---"] * len(columns)), *map(line, rows), ""]


def distinct(results, field):
    return list(dict.fromkeys(result[field] for result in results))


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
