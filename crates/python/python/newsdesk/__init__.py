"""Labels news articles by topic and sentiment, with a trained model built in.

>>> import newsdesk
>>> classifier = newsdesk.Classifier()
>>> classifier("Rovers lift the cup. Two late goals gave them a famous win.", head="topic")["label"]
'sport'
"""

from ._batches import BatchClassifier
from ._classifier import Classifier
from ._commands import evaluate, train
from ._engines import clear_cache
from ._errors import NewsdeskError
from ._newsdesk import __version__

__all__ = ["BatchClassifier", "Classifier", "NewsdeskError", "__version__", "clear_cache", "evaluate", "train"]
