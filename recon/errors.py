"""Typed errors. Each message is a sentence that can be shown to a person as it stands."""


class ReconError(ValueError):
    """Base of every error that a caller's input can cause."""


class PatchError(ReconError):
    """A patch that cannot be made: a size or a side outside what the family offers."""


class ObservationError(ReconError):
    """Values, a mask or a painting that do not describe pixels on a grid."""


class ImageError(ReconError):
    """A file that is no picture, or one that is refused for its size."""


class PredictionError(ReconError):
    """A question that a model cannot answer: wrong channels or side, a spread it does not have."""


class CheckpointError(ReconError):
    """A checkpoint that does not exist, cannot be fetched, or is not what it says it is."""


class DataError(ReconError):
    """A data set that is not there or cannot be read."""


class RecipeError(ReconError):
    """A training recipe that is missing, incomplete or contradicts itself."""


class ExperimentError(ReconError):
    """An experiment that cannot be run: nothing to compare, too few pictures, a measure that a model cannot give."""
