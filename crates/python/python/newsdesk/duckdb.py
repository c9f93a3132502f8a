"""DuckDB."""

from typing import Any

from ._batches import BatchClassifier


def classify(relation: Any, *, batch_size: int = 10_000, **settings: Any) -> Any:
    """Returns a reader of pyarrow with the rows of a relation and the columns that the model adds.

    A query can read it by the name of its variable, on another connection or cursor than that of the relation. The settings
    are those of `BatchClassifier`.
    """
    import pyarrow

    classifier = BatchClassifier(**settings)
    batches = relation.to_arrow_reader(batch_size)
    return pyarrow.RecordBatchReader.from_batches(
        classifier.output_schema(batches.schema), classifier.stream(batches)
    )


def register(connection: Any, name: str = "newsdesk", *, title: bool = False, **settings: Any) -> None:
    """Registers a function for SQL: of a text, or with `title` of a text and a title.

    It gives a struct with the columns that the model adds. The settings are those of `BatchClassifier`.
    """
    import duckdb
    import pyarrow

    classifier = BatchClassifier(**settings)
    fields = {
        field.name: "DOUBLE" if pyarrow.types.is_floating(field.type) else "VARCHAR" for field in classifier.label_type()
    }

    def of_text(text: Any) -> Any:
        return classifier.labels(text)

    def of_article(text: Any, title: Any) -> Any:
        return classifier.labels(text, title)

    # DuckDB counts the parameters.
    function, types = (of_article, ["VARCHAR"] * 2) if title else (of_text, ["VARCHAR"])
    connection.create_function(
        name, function, types, duckdb.struct_type(fields), type="arrow", null_handling="special"
    )
