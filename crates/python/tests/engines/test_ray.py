"""Ray Data: actors, one of which is killed."""

import pyarrow as pa
import pytest
from conftest import killed

ray = pytest.importorskip("ray")

import ray.data  # noqa: E402

from newsdesk.ray import classify  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def cluster():
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def collected(dataset) -> pa.Table:
    return pa.concat_tables(ray.get(dataset.to_arrow_refs()))


def test_rows_have_the_labels_of_the_command_line(articles, same):
    dataset = ray.data.from_arrow(articles).repartition(8)
    same(collected(classify(dataset, concurrency=2, num_cpus=0.5, batch_size=100)))


def test_a_killed_actor_loses_no_row(articles, same):
    dataset = ray.data.from_arrow(articles).repartition(8)
    with killed("ray::MapWorker") as processes:
        output = collected(classify(dataset, concurrency=2, num_cpus=0.5, batch_size=50))
    same(output)
    assert processes
