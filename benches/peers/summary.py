"""Summarises the rounds of each engine in one result."""

import statistics

import checkpoint


def results(corpus, measured, answers, truth, settings):
    """Returns medians over the rounds, and ratios between Newsdesk and each engine in the same dtype and round.

    `measured` maps `(engine, dtype of Newsdesk)` to rounds, Newsdesk first. `answers` has the predicted labels.
    """
    reference = next((answers[job] for job in (("torch", None), ("hf", None)) if job in answers), None)
    # Newsdesk does not report its number of tokens. It equals that of any engine that read the same file.
    counts = [rounds[0]["tokens"] for (side, _), rounds in measured.items() if side not in ("newsdesk", "hf")]
    names = list(checkpoint.label_names(settings.model).values())
    found = []
    for job, rounds in measured.items():
        side, dtype = job
        dtype = dtype or next((p for p in ("bf16", "int8") if side.endswith(p)), "f32")
        rates = [figures["articles_s"] for figures in rounds]
        result = {
            "corpus": corpus,
            "engine": side,
            "dtype": "default" if dtype == "none" else dtype,
            "computes_in": rounds[0]["computes_in"],
            "articles": rounds[0]["articles"],
            "articles_s": median(rates),
            "articles_s_range": [min(rates), max(rates)],
            "peak_mb": median([figures["peak_mb"] for figures in rounds]),
            "wall_s": median([figures["wall_s"] for figures in rounds]),
        }
        if side == "newsdesk":
            for field in ("steady_articles_s", "start_s"):
                result[field] = median([figures[field] for figures in rounds])
        else:
            own = counterpart(result, [r for r in found if r["engine"] == "newsdesk"], settings)
            for kind in ("articles_s", "steady_articles_s") if own else ():
                pairs = zip(own["rounds"], rates, strict=True)
                ratios = [ours[kind] and ours[kind] / theirs for ours, theirs in pairs]
                result[f"newsdesk_{kind}_ratio"] = median(ratios)
                result[f"newsdesk_{kind}_ratio_range"] = None if None in ratios else [min(ratios), max(ratios)]
        if not settings.whole_job:
            tokens = rounds[0].get("tokens") or next(iter(counts), None)
            result["tokens_s"] = tokens and tokens * result["articles_s"] / result["articles"]
            result["agreement"] = reference and share(answers[job], reference)
            result["accuracy"] = share(answers[job], truth) if all(label in names for label in truth) else None
        found.append(result | {"rounds": rounds})
    return found


def median(values):
    return None if None in values else statistics.median(values)


def counterpart(theirs, ours, settings):
    """Returns Newsdesk's result in the engine's dtype, else in the dtype it chose, else (whole job) in any dtype."""
    same = [result for result in ours if result["dtype"] == theirs["dtype"]]
    chosen = [result for result in ours if result["dtype"] in ("auto", "default")]
    return next(iter(same or chosen or (ours if settings.whole_job else [])), None)


def share(answers, others):
    """Returns the share of predictions that are equal, among those that both have."""
    pairs = list(zip(answers, others, strict=False))
    return sum(answer == other for answer, other in pairs) / len(pairs)
