/* SPDX-License-Identifier: Apache-2.0 */
#include "test_files.h"

#include "digits.h"

enum { GOLDEN_COUNT = 1000 };
/* Of the first 1,000 pictures and labels of set 1, by FNV-1a.  A change of it changes everybody's built-in data. */
#define GOLDEN_DIGEST UINT64_C(0x58093f8fa7397006)

static uint64_t digest_bytes(uint64_t digest, const uint8_t *bytes, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    return digest;
}

static void the_first_pictures_are_the_same_everywhere(void **state)
{
    (void)state;
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < GOLDEN_COUNT; i++) {
        uint8_t pixels[DIGIT_PIXELS], label;
        digits_draw(1, i, pixels, &label);
        digest = digest_bytes(digest, pixels, sizeof pixels);
        digest = digest_bytes(digest, &label, 1);
    }
    if (digest != GOLDEN_DIGEST)
        fail_msg("the digest is 0x%016llx", (unsigned long long)digest);
}

static void a_picture_depends_on_seed_and_index_alone(void **state)
{
    (void)state;
    uint8_t first[DIGIT_PIXELS], again[DIGIT_PIXELS], other[DIGIT_PIXELS], label, label_again;
    digits_draw(7, 12345, first, &label);
    for (uint64_t i = 0; i < 50; i++)
        digits_draw(i, i * i, other, &label_again);
    memset(again, 0xaa, sizeof again);
    digits_draw(7, 12345, again, &label_again);
    assert_memory_equal(first, again, sizeof first);
    assert_int_equal(label, label_again);
    digits_draw(8, 12345, other, &label_again);
    assert_memory_not_equal(first, other, sizeof first);
    digits_draw(7, 12346, other, &label_again);
    assert_memory_not_equal(first, other, sizeof first);
    digits_draw(UINT64_MAX, UINT64_MAX, other, &label_again);
    assert_in_range(label_again, 0, 9);
}

static void every_ten_pictures_hold_every_digit_in_changing_order(void **state)
{
    (void)state;
    int first_place[10] = {0};
    for (uint64_t ten = 0; ten < 200; ten++) {
        bool seen[10] = {false};
        for (uint64_t i = 0; i < 10; i++) {
            uint8_t pixels[DIGIT_PIXELS], label;
            digits_draw(5, 10 * ten + i, pixels, &label);
            assert_in_range(label, 0, 9);
            assert_false(seen[label]);
            seen[label] = true;
            first_place[label] += i == 0;
        }
    }
    for (int digit = 0; digit < 10; digit++)
        assert_in_range(first_place[digit], 5, 45);
}

/* the inked box has at most 20 rows and columns, about 20 in one of them, and its centre of mass is in the middle */
static void pictures_keep_the_conventions_of_mnist(void **state)
{
    (void)state;
    int long_enough = 0, centred = 0;
    const int count = 2000;
    for (int i = 0; i < count; i++) {
        uint8_t pixels[DIGIT_PIXELS], label;
        digits_draw(9, (uint64_t)i, pixels, &label);
        int top = 28, bottom = -1, left = 28, right = -1, peak = 0;
        double mass = 0, moment_y = 0, moment_x = 0;
        for (int y = 0; y < 28; y++)
            for (int x = 0; x < 28; x++) {
                const int ink = pixels[y * 28 + x];
                peak = ink > peak ? ink : peak;
                mass += ink, moment_y += ink * y, moment_x += ink * x;
                if (ink > 0) {
                    top = y < top ? y : top, bottom = y > bottom ? y : bottom;
                    left = x < left ? x : left, right = x > right ? x : right;
                }
            }
        const int rows = bottom - top + 1, columns = right - left + 1;
        assert_in_range(rows, 3, 20);
        assert_in_range(columns, 2, 20);
        assert_in_range(peak, 150, 255);
        assert_true(mass > 15 * 255 && mass < 330 * 255);
        long_enough += rows >= 19 || columns >= 19;
        const double cy = moment_y / mass, cx = moment_x / mass;
        centred += cy >= 13.5 && cy < 14.5 && cx >= 13.5 && cx < 14.5;
        assert_true(cy > 11 && cy < 17 && cx > 11 && cx < 17);
    }
    assert_true(long_enough >= count * 98 / 100);
    assert_true(centred >= count * 99 / 100);
}

static void a_box_is_placed_by_its_mass_and_stays_inside(void **state)
{
    (void)state;
    uint8_t box[20 * 20], out[DIGIT_PIXELS];
    memset(box, 200, sizeof box);
    digit_place(box, 20, 20, out);
    assert_int_equal(out[4 * 28 + 4], 200);
    assert_int_equal(out[23 * 28 + 23], 200);
    assert_int_equal(out[3 * 28 + 4], 0);
    memset(box, 0, sizeof box);
    box[0] = 255; /* all mass in a corner would want rows 14..33 */
    digit_place(box, 20, 20, out);
    assert_int_equal(out[8 * 28 + 8], 255);
    box[0] = 0, box[399] = 255;
    digit_place(box, 20, 20, out);
    assert_int_equal(out[19 * 28 + 19], 255);
    memset(box, 0, sizeof box);
    digit_place(box, 1, 1, out);
    for (int i = 0; i < DIGIT_PIXELS; i++)
        assert_int_equal(out[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_pictures_are_the_same_everywhere),
        cmocka_unit_test(a_picture_depends_on_seed_and_index_alone),
        cmocka_unit_test(every_ten_pictures_hold_every_digit_in_changing_order),
        cmocka_unit_test(pictures_keep_the_conventions_of_mnist),
        cmocka_unit_test(a_box_is_placed_by_its_mass_and_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
