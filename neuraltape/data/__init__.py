"""Public data sets: where they come from, where they are kept, and what is in their archives.

Nothing is downloaded unless `download` is called. Knows no task and no model.
"""

from neuraltape.data.archive import open_archive as open_archive
from neuraltape.data.errors import DataError as DataError
from neuraltape.data.folder import open_folder as open_folder
from neuraltape.data.parts import DATASETS as DATASETS
from neuraltape.data.parts import Part as Part
from neuraltape.data.places import cache_folder as cache_folder
from neuraltape.data.places import open_part as open_part
