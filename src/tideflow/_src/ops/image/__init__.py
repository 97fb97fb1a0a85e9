"""Images: resizing, cropping, colours, codecs, boxes, and the public functions of ``tf.image``."""
