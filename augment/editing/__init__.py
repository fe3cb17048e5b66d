"""Edit the faces of photos: find each, change it with a trained generator, put it back.

    import augment
    from augment.editing import edit_photo, read_photo
    edited = edit_photo(read_photo("holiday.jpg"), [augment.MaskWearer("n95")])
    edited.image, edited.faces

``augment edit`` does the same to a folder.
"""

from augment.editing.editors import AgeEditor as AgeEditor
from augment.editing.editors import Editor as Editor
from augment.editing.editors import MaskWearer as MaskWearer
from augment.editing.folder import edit_files as edit_files
from augment.editing.photo import EditedFace as EditedFace
from augment.editing.photo import EditedPhoto as EditedPhoto
from augment.editing.photo import edit_photo as edit_photo
from augment.editing.photo import own_detector as own_detector
from augment.editing.photo import read_photo as read_photo
