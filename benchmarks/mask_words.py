"""What the mask benchmark's page says in words."""

ABOUT = """Every method puts its mask on the same faces, of people from whom nothing was learned
(or, where it says so, on new pictures of known people). **polygon**: 68 landmarks, exact ones on
drawn faces, joined and filled black (NIST's wide shape, medium coverage) or light blue.
**mean_mask**: the mean of the train masks at the mean place, copied on. **masktheface**: its own
templates laid on the 68 landmarks. **cae**: the paper's auto-encoder, which repaints the picture,
trained on the train pairs (Adam, one rate); the paper's has a code of 2,500 numbers and 160 epochs,
the ones measured here are said below. **unet**: this project's network, trained on masks painted on
other faces, drawn ones for drawn pairs and FairFace's for photos; beside true masks it has learned
from the train pairs, too, and **unet_painted** has not.
Its style (colour, height, width, depth of folds) was chosen on the train pairs; on photos, where it
has not learned from pairs, it wears everyday styles in turn.
**unet_told_kind** is told which
type of mask a drawn pair shows, which the others are not: they wear the one they have learned.
**true**: the true pictures under the same measure, so what is possible.

- *Drawn pairs* are the same face drawn without and with a mask; where the mask is, is known
  exactly, and its height and width follow from the face: none of it is chance. *Overlays* are
  photos with a picture of one mask pasted on by somebody else, in no particular light; where it is,
  is read from the difference. 70 % of these people are learned from, look-alikes on one side.
- Inside and outside are the true mask's; rim, loops and shadow belong to neither. PSNRs are of the
  mean squared error over all pictures. Intervals: 95 %, bootstrap over people.
- IoU is that of |made - input| > 24 levels, after a 3 x 3 median, and the true mask.
  It has a ceiling (*true*): shadow beside a mask is a change, and cloth that looks like the skin
  under it is none. *Changed regions of both* reads the true picture in the same way.
- Sharpness is the variance of the Laplacian, made / true, without a two-pixel rim.
- *Judged masked*: both of two judges say so, a head on a face embedder that somebody else trained
  and one on hand-made features. They learned on wild photos with and without real masks and on 200
  bare faces of FairFace's train people. The column *unmasked* is what they say of bare faces, the
  table of judges what they say of real masks that they had not seen: no method can be expected to
  come out above that, so the next table divides by it. Every face is found and aligned again before
  it is judged, since the real masked faces were found with their masks on, which enlarges them.
  They accept a black polygon and what is left of a face by *cae*, too: being accepted does not
  mean that a mask looks real.
- *Upper face*: cosine of that embedder before and after, both pictures grey below the middle
  between eyes and nose tip.
- *Verification*: LFW's pairs, one side masked, ten folds of people; *adapted*: a small head on the
  embedder learned from masks of the same method on FairFace's people.
- Seconds are the least of nine runs on two threads.
"""

WRONG = """- *polygon*: angular, and not like cloth; on turned heads it leaves cheeks bare.
- *cae*: the upper face is another one, and blurred: people who were not learned from are lost.
- *mean_mask*: stays where it is when a head turns.
- *masktheface*: follows the landmarks, but leaves the chin and the nose's bridge bare.
- *unet*: keeps the face; in profile its outline is unsure and can leave the face. Ear loops, on
  turned heads alone, are straight lines. How bright the light is can only be guessed from a
  face: a part of what looks like dim light is taken for dark skin, so in a dim room white cloth is
  a little too bright. Overlays are pictures of one mask in no light at all: there *mean_mask*,
  which copies that very picture, has the more similar structure inside.
"""
