"""Operations on datasets and iterators: what ``tf.data`` is made of."""
