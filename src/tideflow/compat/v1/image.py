"""Images: ``tf.image``."""

from __future__ import annotations

from tideflow._src.ops.image.augmentation import adjust_jpeg_quality as adjust_jpeg_quality
from tideflow._src.ops.image.augmentation import random_brightness as random_brightness
from tideflow._src.ops.image.augmentation import random_contrast as random_contrast
from tideflow._src.ops.image.augmentation import random_flip_left_right as random_flip_left_right
from tideflow._src.ops.image.augmentation import random_flip_up_down as random_flip_up_down
from tideflow._src.ops.image.augmentation import random_hue as random_hue
from tideflow._src.ops.image.augmentation import random_jpeg_quality as random_jpeg_quality
from tideflow._src.ops.image.augmentation import random_saturation as random_saturation
from tideflow._src.ops.image.boxes import draw_bounding_boxes_v1 as draw_bounding_boxes
from tideflow._src.ops.image.codec_functions import decode_and_crop_jpeg as decode_and_crop_jpeg
from tideflow._src.ops.image.codec_functions import decode_bmp as decode_bmp
from tideflow._src.ops.image.codec_functions import decode_gif as decode_gif
from tideflow._src.ops.image.codec_functions import decode_image as decode_image
from tideflow._src.ops.image.codec_functions import decode_jpeg as decode_jpeg
from tideflow._src.ops.image.codec_functions import decode_png as decode_png
from tideflow._src.ops.image.codec_functions import decode_webp as decode_webp
from tideflow._src.ops.image.codec_functions import encode_jpeg as encode_jpeg
from tideflow._src.ops.image.codec_functions import encode_png as encode_png
from tideflow._src.ops.image.codec_functions import extract_jpeg_shape as extract_jpeg_shape
from tideflow._src.ops.image.codec_functions import is_jpeg as is_jpeg
from tideflow._src.ops.image.colour_functions import adjust_brightness as adjust_brightness
from tideflow._src.ops.image.colour_functions import adjust_contrast as adjust_contrast
from tideflow._src.ops.image.colour_functions import adjust_gamma as adjust_gamma
from tideflow._src.ops.image.colour_functions import adjust_hue as adjust_hue
from tideflow._src.ops.image.colour_functions import adjust_saturation as adjust_saturation
from tideflow._src.ops.image.colour_functions import convert_image_dtype as convert_image_dtype
from tideflow._src.ops.image.colour_functions import grayscale_to_rgb as grayscale_to_rgb
from tideflow._src.ops.image.colour_functions import hsv_to_rgb as hsv_to_rgb
from tideflow._src.ops.image.colour_functions import per_image_standardization as per_image_standardization
from tideflow._src.ops.image.colour_functions import rgb_to_grayscale as rgb_to_grayscale
from tideflow._src.ops.image.colour_functions import rgb_to_hsv as rgb_to_hsv
from tideflow._src.ops.image.colour_functions import rgb_to_yiq as rgb_to_yiq
from tideflow._src.ops.image.colour_functions import rgb_to_yuv as rgb_to_yuv
from tideflow._src.ops.image.colour_functions import yiq_to_rgb as yiq_to_rgb
from tideflow._src.ops.image.colour_functions import yuv_to_rgb as yuv_to_rgb
from tideflow._src.ops.image.distorted_boxes import sample_distorted_bounding_box_v1 as sample_distorted_bounding_box
from tideflow._src.ops.image.geometry import central_crop as central_crop
from tideflow._src.ops.image.geometry import crop_to_bounding_box as crop_to_bounding_box
from tideflow._src.ops.image.geometry import flip_left_right as flip_left_right
from tideflow._src.ops.image.geometry import flip_up_down as flip_up_down
from tideflow._src.ops.image.geometry import pad_to_bounding_box as pad_to_bounding_box
from tideflow._src.ops.image.geometry import resize_with_crop_or_pad as resize_image_with_crop_or_pad
from tideflow._src.ops.image.geometry import resize_with_crop_or_pad as resize_with_crop_or_pad
from tideflow._src.ops.image.geometry import rot90 as rot90
from tideflow._src.ops.image.geometry import transpose as transpose
from tideflow._src.ops.image.geometry import transpose as transpose_image
from tideflow._src.ops.image.glimpses import extract_glimpse_v1 as extract_glimpse
from tideflow._src.ops.image.patch_functions import extract_image_patches as extract_image_patches
from tideflow._src.ops.image.patch_functions import extract_image_patches_v2 as extract_patches
from tideflow._src.ops.image.proposals import generate_bounding_box_proposals as generate_bounding_box_proposals
from tideflow._src.ops.image.quality import image_gradients as image_gradients
from tideflow._src.ops.image.quality import psnr as psnr
from tideflow._src.ops.image.quality import sobel_edges as sobel_edges
from tideflow._src.ops.image.quality import ssim as ssim
from tideflow._src.ops.image.quality import ssim_multiscale as ssim_multiscale
from tideflow._src.ops.image.quality import total_variation as total_variation
from tideflow._src.ops.image.resizing_functions import ResizeMethodV1 as ResizeMethod
from tideflow._src.ops.image.resizing_functions import crop_and_resize_v1 as crop_and_resize
from tideflow._src.ops.image.resizing_functions import resize_area as resize_area
from tideflow._src.ops.image.resizing_functions import resize_bicubic as resize_bicubic
from tideflow._src.ops.image.resizing_functions import resize_bilinear as resize_bilinear
from tideflow._src.ops.image.resizing_functions import resize_nearest_neighbor as resize_nearest_neighbor
from tideflow._src.ops.image.resizing_functions import resize_v1 as resize
from tideflow._src.ops.image.resizing_functions import resize_v1 as resize_images
from tideflow._src.ops.image.resizing_functions import resize_with_pad_v1 as resize_image_with_pad
from tideflow._src.ops.image.suppression_functions import combined_non_max_suppression as combined_non_max_suppression
from tideflow._src.ops.image.suppression_functions import non_max_suppression as non_max_suppression
from tideflow._src.ops.image.suppression_functions import non_max_suppression_overlaps as non_max_suppression_overlaps
from tideflow._src.ops.image.suppression_functions import non_max_suppression_padded as non_max_suppression_padded
from tideflow._src.ops.image.suppression_functions import (
    non_max_suppression_with_scores as non_max_suppression_with_scores,
)
from tideflow._src.ops.random.random_crop import random_crop as random_crop
