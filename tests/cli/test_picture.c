/* SPDX-License-Identifier: Apache-2.0 */
#include "test_files.h"

#include <png.h>
#include <jpeglib.h>

#include "exif.h"
#include "picture.h"
#include "picture_fit.h"

/* ---- PNG files made here, chunk by chunk ---- */

struct maker {
    uint8_t bytes[4096];
    size_t count;
};

static void put32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_chunk(struct maker *png, const char *type, const uint8_t *data, size_t byte_count)
{
    uint8_t *at = png->bytes + png->count;
    put32(at, (uint32_t)byte_count);
    memcpy(at + 4, type, 4);
    if (byte_count > 0)
        memcpy(at + 8, data, byte_count);
    put32(at + 8 + byte_count, (uint32_t)crc32(0, at + 4, (uInt)(byte_count + 4)));
    png->count += byte_count + 12;
}

/* rows: every row with its filter byte; palette may be NULL */
static void make_png(struct maker *png, uint32_t width, uint32_t height, int bits, int colour, int interlace,
                     const uint8_t *palette, size_t palette_bytes, const uint8_t *rows, size_t row_bytes)
{
    memcpy(png->bytes, "\x89PNG\r\n\x1a\n", 8);
    png->count = 8;
    uint8_t head[13] = {0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)bits, (uint8_t)colour, 0, 0, (uint8_t)interlace};
    put32(head, width);
    put32(head + 4, height);
    put_chunk(png, "IHDR", head, 13);
    if (palette != NULL)
        put_chunk(png, "PLTE", palette, palette_bytes);
    uint8_t packed[1024];
    uLongf packed_bytes = sizeof packed;
    assert_int_equal(compress(packed, &packed_bytes, rows, row_bytes), Z_OK);
    put_chunk(png, "IDAT", packed, packed_bytes);
    put_chunk(png, "IEND", NULL, 0);
}

static void expect_pixels(const uint8_t *bytes, size_t byte_count, int height, int width, const uint8_t *pixels)
{
    struct picture picture;
    struct cli_error error = {""};
    if (!picture_parse(bytes, byte_count, "some-file", &picture, &error))
        fail_msg("%s", error.text);
    assert_int_equal(picture.height, height);
    assert_int_equal(picture.width, width);
    picture_make_grey(&picture);
    assert_int_equal(picture.channels, 1);
    assert_memory_equal(picture.pixels, pixels, (size_t)(height * width));
    picture_deinit(&picture);
}

/* planes [3,height,width] */
static void expect_colours(const void *bytes, size_t byte_count, int height, int width, const void *planes)
{
    struct picture picture;
    struct cli_error error = {""};
    if (!picture_parse(bytes, byte_count, "some-file", &picture, &error))
        fail_msg("%s", error.text);
    assert_int_equal(picture.channels, 3);
    assert_int_equal(picture.height, height);
    assert_int_equal(picture.width, width);
    assert_memory_equal(picture.pixels, planes, (size_t)(3 * height * width));
    picture_deinit(&picture);
}

static void expect_error(const void *bytes, size_t byte_count, const char *part)
{
    struct picture picture;
    struct cli_error error = {""};
    assert_false(picture_parse(bytes, byte_count, "some-file", &picture, &error));
    assert_null(picture.pixels);
    test_says(error.text, "some-file: ");
    test_says(error.text, part);
}

static void expect_pgm_error(const char *pgm, const char *part)
{
    expect_error(pgm, strlen(pgm), part);
}

/* ---- reading ---- */

static void pgm_of_all_kinds_is_read(void **state)
{
    (void)state;
    const uint8_t want[] = {0, 128, 255, 17};
    const char plain[] = "P2 # a comment\n2 #w\n2\n15\n0 8#x\n15\n1";
    const uint8_t plain_want[] = {0, 136, 255, 17};
    expect_pixels((const uint8_t *)plain, strlen(plain), 2, 2, plain_want);
    const uint8_t small[] = "P5\n2 2\n255\n\x00\x80\xff\x11";
    expect_pixels(small, 15, 2, 2, want);
    const uint8_t wide[] = "P5 2 2 65535 \x00\x00\x80\x80\xff\xff\x11\x11\n";
    expect_pixels(wide, 22, 2, 2, want);
}

static void png_of_all_kinds_becomes_grey_over_white(void **state)
{
    (void)state;
    struct maker png;
    const uint8_t grey[] = {0, 0, 255, 0, 100, 7}, grey_want[] = {0, 255, 100, 7};
    make_png(&png, 2, 2, 8, 0, 0, NULL, 0, grey, sizeof grey);
    expect_pixels(png.bytes, png.count, 2, 2, grey_want);
    make_png(&png, 4, 1, 1, 0, 0, NULL, 0, (const uint8_t *)"\x00\xa0", 2);
    expect_pixels(png.bytes, png.count, 1, 4, (const uint8_t *)"\xff\x00\xff\x00");
    make_png(&png, 2, 1, 16, 0, 0, NULL, 0, (const uint8_t *)"\x00\x80\x80\x00\x10", 5);
    expect_pixels(png.bytes, png.count, 1, 2, (const uint8_t *)"\x80\x00");
    make_png(&png, 3, 1, 8, 2, 0, NULL, 0, (const uint8_t *)"\x00\xff\x00\x00\x00\xff\x00\x00\x00\xff", 10);
    expect_pixels(png.bytes, png.count, 1, 3, (const uint8_t *)"\x4c\x96\x1d"); /* 76 150 29 */
    make_png(&png, 3, 1, 8, 4, 0, NULL, 0, (const uint8_t *)"\x00\x00\x00\x00\xff\x64\x80", 7);
    expect_pixels(png.bytes, png.count, 1, 3, (const uint8_t *)"\xff\x00\xb1"); /* 100 half over 255: 177 */
    make_png(&png, 2, 1, 8, 6, 0, NULL, 0, (const uint8_t *)"\x00\x0a\x0a\x0a\xff\x0a\x0a\x0a\x00", 9);
    expect_pixels(png.bytes, png.count, 1, 2, (const uint8_t *)"\x0a\xff");
    make_png(&png, 4, 1, 2, 3, 0, (const uint8_t *)"\x01\x01\x01\x02\x02\x02\x03\x03\x03\x04\x04\x04", 12,
             (const uint8_t *)"\x00\x1b", 2);
    expect_pixels(png.bytes, png.count, 1, 4, (const uint8_t *)"\x01\x02\x03\x04");
}

static void colours_stand_in_planes(void **state)
{
    (void)state;
    struct maker png;
    expect_colours("P6\n2 1\n255\nabcdef", 17, 1, 2, "adbecf");
    expect_colours("P3 1 2 15 15 0 1 2 3 4", 22, 2, 1, "\xff\x22\x00\x33\x11\x44");
    make_png(&png, 2, 2, 8, 2, 0, NULL, 0, (const uint8_t *)"\x00"
                                                            "abcdef"
                                                            "\x00"
                                                            "ghijkl",
             14);
    expect_colours(png.bytes, png.count, 2, 2, "adgjbehkcfil");
    make_png(&png, 2, 1, 8, 6, 0, NULL, 0, (const uint8_t *)"\x00\x0a\x14\x1e\xff\x0a\x14\x1e\x00", 9);
    expect_colours(png.bytes, png.count, 1, 2, "\x0a\xff\x14\xff\x1e\xff");
    uint8_t equal[] = "abcabcabc", other[] = "abcabcabd";
    assert_false(picture_has_colour(&(struct picture){3, 1, 3, equal}));
    assert_true(picture_has_colour(&(struct picture){3, 1, 3, other}));
    assert_false(picture_has_colour(&(struct picture){1, 1, 3, other}));
}

static void channels_are_fitted_one_by_one(void **state)
{
    (void)state;
    uint8_t red[] = {200, 100, 0, 0, 50, 50}, out[6];
    struct picture picture = {3, 1, 2, red};
    picture_fit_channels(&picture, 3, 1, 1, out);
    assert_memory_equal(out, "\x96\x00\x32", 3);
    picture_fit_channels(&picture, 1, 1, 2, out);
    assert_memory_equal(out, "\x42\x24", 2); /* 66 36 */
    assert_int_equal(picture.channels, 1);
    picture_fit_channels(&picture, 3, 1, 2, out);
    assert_memory_equal(out, "\x42\x24\x42\x24\x42\x24", 6);
}

/* ---- JPEG files made by libjpeg ---- */

static size_t make_jpeg(const uint8_t *samples, unsigned width, unsigned height, int channels, J_COLOR_SPACE space,
                        bool progressive, uint8_t **bytes)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned long count = 0;
    *bytes = NULL;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, bytes, &count);
    jpeg.image_width = width, jpeg.image_height = height;
    jpeg.input_components = channels, jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    for (int i = 0; i < jpeg.num_components; i++)
        jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(samples + y * width * (unsigned)channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return count;
}

static void expect_near(const uint8_t *bytes, size_t byte_count, int channels, const uint8_t *planes)
{
    struct picture picture;
    struct cli_error error = {""};
    if (!picture_parse(bytes, byte_count, "some-file", &picture, &error))
        fail_msg("%s", error.text);
    assert_int_equal(picture.channels, channels);
    assert_int_equal(picture.height, 16);
    assert_int_equal(picture.width, 20);
    for (int i = 0; i < channels * 320; i++)
        assert_in_range(picture.pixels[i] + 3, planes[i], planes[i] + 6);
    picture_deinit(&picture);
}

static void jpeg_of_all_kinds_is_read(void **state)
{
    (void)state;
    uint8_t samples[4 * 320], planes[3 * 320], *bytes;
    for (int i = 0; i < 320; i++)
        for (int c = 0; c < 3; c++)
            samples[3 * i + c] = planes[320 * c + i] = (uint8_t)(c == 0 ? 4 * (i % 20) + 20 : c == 1 ? 7 * (i / 20) + 30 : 90);
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t count = make_jpeg(samples, 20, 16, 3, JCS_RGB, progressive != 0, &bytes);
        expect_near(bytes, count, 3, planes);
        free(bytes);
    }
    size_t count = make_jpeg(planes, 20, 16, 1, JCS_GRAYSCALE, false, &bytes);
    expect_near(bytes, count, 1, planes);
    free(bytes);
    for (int i = 0; i < 320; i++) { /* inks, inverted as libjpeg's Adobe marker says */
        for (int c = 0; c < 3; c++)
            samples[4 * i + c] = planes[320 * c + i];
        samples[4 * i + 3] = 255;
    }
    count = make_jpeg(samples, 20, 16, 4, JCS_CMYK, false, &bytes);
    expect_near(bytes, count, 3, planes);
    free(bytes);
}

/* The corners of a picture with a bright one at its top left, stored as each orientation says, are found back upright. */
static void a_photograph_is_turned_the_way_it_was_taken(void **state)
{
    (void)state;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int big = 0; big < 2; big++) {
            const bool lies = orientation > 4;
            const unsigned width = lies ? 16 : 24, height = lies ? 24 : 16; /* upright: 24 wide, 16 high */
            /* where the standard puts row 0 and column 0 of the file */
            const bool bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
            const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
            uint8_t samples[24 * 16], *bytes, exif[] = "\xff\xe1\x00\x22"
                                                       "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x00\0\0\0\0\0";
            exif[29] = (uint8_t)orientation;
            if (!big)
                memcpy(exif + 10, "II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18), exif[28] = (uint8_t)orientation, exif[29] = 0;
            for (unsigned y = 0; y < height; y++)
                for (unsigned x = 0; x < width; x++) {
                    unsigned up = lies ? x : y, left = lies ? y : x; /* the file's rows are the visual columns when it lies */
                    up = bottom ? 15 - up : up, left = right ? 23 - left : left;
                    samples[y * width + x] = up < 8 && left < 8 ? 200 : up < 8 && left >= 16 ? 100 : 0;
                }
            size_t count = make_jpeg(samples, width, height, 1, JCS_GRAYSCALE, false, &bytes);
            uint8_t *photograph = malloc(count + 36);
            assert_non_null(photograph);
            memcpy(photograph, bytes, 2);
            memcpy(photograph + 2, exif, 36);
            memcpy(photograph + 38, bytes + 2, count - 2);
            struct picture picture;
            struct cli_error error = {""};
            if (!picture_parse(photograph, count + 36, "photo", &picture, &error))
                fail_msg("%s", error.text);
            assert_int_equal(picture.width, 24);
            assert_int_equal(picture.height, 16);
            for (int y = 0; y < 16; y++)
                for (int x = 0; x < 24; x++)
                    assert_in_range(picture.pixels[y * 24 + x] + 3, y >= 8 ? 0 : x < 8 ? 200 : x >= 16 ? 100 : 0,
                                    6 + (y >= 8 ? 0 : x < 8 ? 200 : x >= 16 ? 100 : 0));
            picture_deinit(&picture);
            free(photograph);
            free(bytes);
        }
}

static void damaged_exif_data_are_upright(void **state)
{
    (void)state;
    const uint8_t good[] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
    uint8_t bad[28];
    assert_int_equal(exif_orientation(good, 28), 6);
    for (size_t cut = 0; cut < 28; cut++)
        assert_int_equal(exif_orientation(good, cut), 1);
    const struct {
        int at;
        uint8_t value;
    } wrong[] = {{0, 'e'}, {6, 'I'}, {9, 43}, {10, 0xff}, {13, 200}, {15, 0}, {17, 0x13}, {19, 4}, {25, 0}, {25, 9}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(bad, good, 28);
        bad[wrong[i].at] = wrong[i].value;
        assert_int_equal(exif_orientation(bad, 28), 1);
    }
}

static void each_bad_jpeg_has_its_sentence(void **state)
{
    (void)state;
    uint8_t samples[3 * 320], *bytes;
    for (int i = 0; i < 3 * 320; i++)
        samples[i] = (uint8_t)(i * i >> 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        size_t count = make_jpeg(samples, 20, 16, 3, JCS_RGB, progressive != 0, &bytes);
        for (size_t i = 3; i < count - 2; i++)
            expect_error(bytes, i, "the JPEG "); /* truncated, or damaged where the cut makes a wrong length */
        expect_error(bytes, count / 2, "truncated after");
        free(bytes);
    }
    size_t count = make_jpeg(samples, 20, 16, 3, JCS_RGB, false, &bytes);
    uint8_t *sizes = memchr(bytes, 0xc0, count);
    while (sizes[-1] != 0xff)
        sizes = memchr(sizes + 1, 0xc0, count - (size_t)(sizes + 1 - bytes));
    memcpy(sizes + 4, "\x10\x00\x40\x00", 4);
    expect_error(bytes, count, "cannot hold the 16384x4096 pixels its header promises");
    memcpy(sizes + 4, "\x4e\x20\x4e\x20", 4);
    expect_error(bytes, count, "a picture of 20000x20000 pixels; sides of 1 to 16384");
    memcpy(sizes + 4, "\x00\x00\x00\x14", 4);
    expect_error(bytes, count, "the JPEG data are damaged (");
    free(bytes);
}

static void an_interlaced_png_is_read(void **state)
{
    (void)state;
    struct maker png;
    /* 2x2: pass 1 holds (0,0), pass 6 (1,0), pass 7 the second row */
    make_png(&png, 2, 2, 8, 0, 1, NULL, 0, (const uint8_t *)"\x00\x05\x00\x06\x00\x07\x08", 7);
    expect_pixels(png.bytes, png.count, 2, 2, (const uint8_t *)"\x05\x06\x07\x08");
}

static void each_bad_pgm_has_its_sentence(void **state)
{
    (void)state;
    expect_pgm_error("", "the file is empty; give a PNG, JPEG, PGM or PPM picture");
    expect_pgm_error("P7\n1 1\n255\n...", "neither a PNG, a JPEG, a PGM (P2 or P5) nor a PPM (P3 or P6)");
    expect_pgm_error("P5", "neither a PNG");
    expect_pgm_error("P6\n1 2\n255\nabcde", "the PPM is truncated: 6 pixel bytes expected, 5 found");
    expect_pgm_error("P6\n1 1\n255\nabcd", "1 bytes follow the last pixel");
    expect_pgm_error("P3\n1 2\n9\n1 2 3 4 10 5", "pixel 1 is 10, above the maximum 9");
    expect_pgm_error("P3\n1 x", "no number of 1 to 9 digits where the PPM should give the height");
    expect_pgm_error("P5\n2", "truncated where the height is expected");
    expect_pgm_error("P5\n2 x 255\n", "no number of 1 to 9 digits where the PGM should give the height");
    expect_pgm_error("P5\n1234567890 2 255\n", "no number of 1 to 9 digits where the PGM should give the width");
    expect_pgm_error("P5\n-2 2 255\n", "no number of 1 to 9 digits where the PGM should give the width");
    expect_pgm_error("P5\n2 2 0\n....", "the PGM's maximum is 0; 1 to 65535 is allowed");
    expect_pgm_error("P5\n2 2 65536\n....", "the PGM's maximum is 65536");
    expect_pgm_error("P5\n2 2 255", "no blank between the PGM's maximum and its pixels");
    expect_pgm_error("P5\n2 2 255\nabc", "truncated: 4 pixel bytes expected, 3 found");
    expect_pgm_error("P5\n2 2 300\nabcdefg", "truncated: 8 pixel bytes expected, 7 found");
    expect_pgm_error("P5\n16384 4096 255\nabc", "truncated: 67108864 pixel bytes expected, 3 found");
    expect_pgm_error("P5\n0 1 255\nabc", "a picture of 0x1 pixels");
    expect_pgm_error("P5\n1 1 100\ne", "pixel 0 is 101, above the maximum 100");
    expect_pgm_error("P5\n1 1 255\nab", "1 bytes follow the last pixel");
    expect_pgm_error("P2\n2 1 9\n1 10", "pixel 1 is 10, above the maximum 9");
    expect_pgm_error("P2\n2 1 9\n1234567890", "no number of 1 to 9 digits where the PGM should give a pixel");
    expect_pgm_error("P2\n2 2 9\n1 2 3", "truncated: 7 pixel bytes expected, 6 found");
    expect_pgm_error("P2\n2 1 9\n    5", "truncated where a pixel is expected");
}

static void each_bad_png_has_its_sentence(void **state)
{
    (void)state;
    struct maker png;
    const uint8_t rows[] = {0, 1, 2, 0, 3, 4};
    make_png(&png, 2, 2, 8, 0, 0, NULL, 0, rows, sizeof rows);
    for (size_t i = 8; i < png.count; i++) {
        char sentence[64];
        snprintf(sentence, sizeof sentence, "the PNG is truncated after %zu bytes", i);
        expect_error(png.bytes, i, sentence);
    }
    png.bytes[png.count - 14] ^= 1;
    expect_error(png.bytes, png.count, "the PNG data are damaged (IDAT: CRC error)");
    png.bytes[png.count - 14] ^= 1;
    png.bytes[8 + 8 + 3] = 3;
    expect_error(png.bytes, png.count, "the PNG data are damaged (IHDR: CRC error)");
    make_png(&png, 2, 2, 8, 0, 0, NULL, 0, rows, 4);
    expect_error(png.bytes, png.count, "the PNG data are damaged (Not enough image data)");
    make_png(&png, 2, 2, 8, 3, 0, NULL, 0, rows, sizeof rows);
    expect_error(png.bytes, png.count, "the PNG data are damaged (IDAT: Missing PLTE before IDAT)");
    make_png(&png, 16384, 4096, 8, 6, 0, NULL, 0, rows, sizeof rows);
    expect_error(png.bytes, png.count, "cannot hold the 16384x4096 pixels its header promises");
    make_png(&png, 0, 1, 8, 0, 0, NULL, 0, rows, sizeof rows);
    expect_error(png.bytes, png.count, "the PNG data are damaged (Invalid IHDR data)");
}

/* Whatever else is wrong with the file, in PGM and PNG alike. */
static void too_large_a_picture_names_its_size_and_the_limits(void **state)
{
    (void)state;
    const uint32_t sizes[][2] = {{16385, 1}, {1, 16385}, {16384, 4097}, {20000, 20000}, {123456789, 2}};
    const uint8_t rows[] = {0, 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char pgm[64], sentence[160];
        struct maker png;
        snprintf(sentence, sizeof sentence,
                 "a picture of %ux%u pixels; sides of 1 to 16384 and at most 67108864 pixels in all", sizes[i][0],
                 sizes[i][1]);
        snprintf(pgm, sizeof pgm, "P5\n%u %u\n255\nabc", sizes[i][0], sizes[i][1]);
        expect_pgm_error(pgm, sentence);
        make_png(&png, sizes[i][0], sizes[i][1], 8, 0, 0, NULL, 0, rows, sizeof rows);
        expect_error(png.bytes, png.count, sentence);
    }
    struct maker png;
    make_png(&png, 0x7fffffff, 0x7fffffff, 16, 6, 0, NULL, 0, rows, sizeof rows);
    expect_error(png.bytes, png.count, "a picture of 2147483647x2147483647 pixels; sides of 1 to 16384");
}

static void a_folder_or_nothing_instead_of_a_file_is_an_error(void **state)
{
    (void)state;
    struct picture picture;
    struct cli_error error;
    assert_false(picture_read("/tmp", &picture, &error));
    test_says(error.text, "/tmp: cannot be read: Is a directory");
    assert_false(picture_read(test_path("absent"), &picture, &error));
    test_says(error.text, "cannot be opened: No such file or directory");
}

static void a_written_picture_is_read_back(void **state)
{
    (void)state;
    uint8_t pixels[6] = {0, 1, 2, 100, 254, 255};
    const struct picture picture = {1, 2, 3, pixels};
    struct cli_error error;
    const char *path = test_path("written.pgm");
    test_write(path, "old", 3);
    assert_true(picture_write_pgm(path, &picture, &error));
    struct picture back;
    assert_true(picture_read(path, &back, &error));
    assert_int_equal(back.width, 3);
    assert_memory_equal(back.pixels, pixels, 6);
    picture_deinit(&back);
    assert_false(picture_write_pgm(test_path("no-folder/a.pgm"), &picture, &error));
    test_says(error.text, "no-folder/a.pgm: cannot be written: No such file or directory");
    mkdir(test_path("taken"), 0777);
    assert_false(
        picture_write_pgm(test_path("taken"), &picture, &error)); /* rename onto a folder fails, nothing stays */
    char temporary[300];
    snprintf(temporary, sizeof temporary, "%s.tmp-%ld", test_path("taken"), (long)getpid());
    assert_int_not_equal(access(temporary, F_OK), 0);
}

/* ---- fitting ---- */

static void fitting_averages_areas_and_keeps_the_aspect(void **state)
{
    (void)state;
    uint8_t pixels[8] = {0, 100, 200, 40, 100, 0, 0, 0}, out[16];
    const struct picture picture = {1, 2, 4, pixels};
    picture_fit(&picture, 1, 2, out);
    assert_memory_equal(out, "\x32\x3c", 2); /* 50 60 */
    picture_fit(&picture, 2, 2, out);        /* a row of pictures, a row of the border's mean 55 */
    assert_memory_equal(out, "\x32\x3c\x37\x37", 4);
    picture_fit(&picture, 2, 4, out);
    assert_memory_equal(out, pixels, 8);
    uint8_t three[3] = {0, 90, 240}; /* 3 to 2: halves of the middle one */
    const struct picture line = {1, 1, 3, three};
    picture_fit(&line, 1, 2, out);
    assert_memory_equal(out, "\x1e\xbe", 2); /* 30 190 */
}

static void digit_of(const uint8_t *pixels, int height, int width, uint8_t out[DIGIT_PIXELS])
{
    uint8_t copy[200 * 200];
    memcpy(copy, pixels, (size_t)(height * width));
    const struct picture picture = {1, height, width, copy};
    struct cli_error error = {""};
    if (!picture_as_digit(&picture, "some-file", out, &error))
        fail_msg("%s", error.text);
}

static void a_finished_digit_is_left_untouched(void **state)
{
    (void)state;
    uint8_t pixels[DIGIT_PIXELS] = {0}, out[DIGIT_PIXELS];
    pixels[3 * 28 + 2] = 99;
    digit_of(pixels, 28, 28, out);
    assert_memory_equal(out, pixels, DIGIT_PIXELS);
}

/* a bar 20 high and 10 wide, dark on bright, in a corner of a large sheet of grainy paper */
static void dark_ink_on_bright_paper_is_inverted_scaled_and_centred(void **state)
{
    (void)state;
    static uint8_t sheet[200 * 150];
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 150; x++)
            sheet[y * 150 + x] = (uint8_t)(y >= 10 && y < 110 && x >= 20 && x < 70 ? 30 : 200 + (x * 7 + y * 3) % 9);
    uint8_t out[DIGIT_PIXELS];
    digit_of(sheet, 200, 150, out);
    for (int y = 0; y < 28; y++)
        for (int x = 0; x < 28; x++) {
            const bool inside = y >= 4 && y < 24 && x >= 9 && x < 19; /* rows 4..23, as MNIST has them */
            assert_int_equal(out[y * 28 + x], inside ? 255 : 0);
        }
}

static void the_centre_of_mass_and_not_of_the_box_is_centred(void **state)
{
    (void)state;
    uint8_t wide[20 * 40] = {0}, out[DIGIT_PIXELS];
    for (int y = 0; y < 20; y++)
        for (int x = 10; x < 30; x++)
            wide[y * 40 + x] = x < 14 || y == 10 ? 255 : 0; /* heavy at its left */
    uint8_t sheet[30 * 40] = {0};
    memcpy(sheet + 5 * 40, wide, sizeof wide);
    digit_of(sheet, 30, 40, out);
    double mass = 0, moment_y = 0, moment_x = 0;
    for (int y = 0; y < 28; y++)
        for (int x = 0; x < 28; x++) {
            mass += out[y * 28 + x];
            moment_y += y * (double)out[y * 28 + x];
            moment_x += x * (double)out[y * 28 + x];
        }
    assert_true(moment_x / mass > 11.0 &&
                moment_x / mass < 12.5); /* wants 14, but the box must stay inside: starts at 8 */
    assert_int_equal(out[14 * 28 + 27], 255);
    assert_true(moment_y / mass >= 13.5 && moment_y / mass < 14.5);
}

static void thin_lines_do_not_fade(void **state)
{
    (void)state;
    static uint8_t sheet[200 * 200];
    for (int y = 20; y < 180; y++)
        sheet[y * 200 + y] = 255; /* each pixel of the 20x20 box gets an eighth of it */
    uint8_t out[DIGIT_PIXELS], peak = 0;
    digit_of(sheet, 200, 200, out);
    for (int i = 0; i < DIGIT_PIXELS; i++)
        peak = out[i] > peak ? out[i] : peak;
    assert_int_equal(peak, 255);
}

static void an_empty_sheet_is_an_error(void **state)
{
    (void)state;
    uint8_t pixels[DIGIT_PIXELS], out[DIGIT_PIXELS];
    memset(pixels, 250, sizeof pixels);
    pixels[100] = 247;
    const struct picture picture = {1, 28, 28, pixels};
    struct cli_error error;
    assert_false(picture_as_digit(&picture, "sheet.png", out, &error));
    test_says(error.text, "sheet.png: no ink to be seen: all pixels have about the value 250");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pgm_of_all_kinds_is_read),
        cmocka_unit_test(png_of_all_kinds_becomes_grey_over_white),
        cmocka_unit_test(an_interlaced_png_is_read),
        cmocka_unit_test(colours_stand_in_planes),
        cmocka_unit_test(jpeg_of_all_kinds_is_read),
        cmocka_unit_test(each_bad_jpeg_has_its_sentence),
        cmocka_unit_test(a_photograph_is_turned_the_way_it_was_taken),
        cmocka_unit_test(damaged_exif_data_are_upright),
        cmocka_unit_test(channels_are_fitted_one_by_one),
        cmocka_unit_test(each_bad_pgm_has_its_sentence),
        cmocka_unit_test(each_bad_png_has_its_sentence),
        cmocka_unit_test(too_large_a_picture_names_its_size_and_the_limits),
        cmocka_unit_test(a_folder_or_nothing_instead_of_a_file_is_an_error),
        cmocka_unit_test(a_written_picture_is_read_back),
        cmocka_unit_test(fitting_averages_areas_and_keeps_the_aspect),
        cmocka_unit_test(a_finished_digit_is_left_untouched),
        cmocka_unit_test(dark_ink_on_bright_paper_is_inverted_scaled_and_centred),
        cmocka_unit_test(the_centre_of_mass_and_not_of_the_box_is_centred),
        cmocka_unit_test(thin_lines_do_not_fade),
        cmocka_unit_test(an_empty_sheet_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, test_clean);
}
