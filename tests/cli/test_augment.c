/* SPDX-License-Identifier: Apache-2.0
 * Training pictures are changed as the random number says, and by nothing else. */
#include "test_files.h"

#include "augment.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, PICTURE = 3 * PLANE, DRAWS = 400 };

static uint8_t picture[PICTURE];

static uint64_t number(int i) { return (uint64_t)i * UINT64_C(0xd1342543de82ef95) + UINT64_C(0x2545f4914f6cdd1d); }

static int set_up(void **unused) {
    for (int i = 0; i < PICTURE; i++) picture[i] = (uint8_t)(1 + number(i) % 251);
    return 0;
}

static void change(unsigned kinds, int shift, uint64_t random, uint8_t *to) {
    struct augment a = {.kinds = kinds, .shift = shift, .fill = {254, 253, 252}};
    augment_picture(&a, 3, SIDE, SIDE, picture, random, to);
}

static int mirrored(int i) { return i < 0 ? -i : i >= SIDE ? 2 * SIDE - 2 - i : i; }

/* Whether `to` is the picture seen from (y0, x0) on, reflected at its border. */
static bool is_crop(const uint8_t *to, int y0, int x0, bool flipped) {
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                if (to[c * PLANE + y * SIDE + x] != picture[c * PLANE + mirrored(y + y0) * SIDE + mirrored((flipped ? SIDE - 1 - x : x) + x0)]) return false;
    return true;
}

static void the_list_is_read_and_written(void **unused) {
    static const struct {
        const char *list, *same;
    } good[] = {{"none", "none"}, {"crop", "crop"}, {"flip,crop", "crop,flip"}, {"rotate,cutout,flip,crop", "crop,flip,cutout,rotate"}, {"flip,flip", "flip"}}, bad[] = {{"", "there is no \"\""}, {"crop,", "there is no \"\""},
                                                                                                                                                          {"crops", "there is no \"crops\"; use none, or some of crop,flip,cutout,rotate"}, {"crop flip", "there is no \"crop flip\""},
                                                                                                                                                          {"none,flip", "none stands alone"}, {"flip,none", "none stands alone"}};
    struct cli_error error;
    unsigned kinds;
    char name[64];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(augment_parse(good[i].list, &kinds, &error));
        augment_name(kinds, name, sizeof name);
        assert_string_equal(name, good[i].same);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(augment_parse(bad[i].list, &kinds, &error));
        test_says(error.text, bad[i].same);
    }
}

static void nothing_asked_nothing_changed(void **unused) {
    uint8_t to[PICTURE];
    change(0, 0, number(5), to);
    assert_memory_equal(to, picture, PICTURE);
}

static void the_same_number_gives_the_same_picture(void **unused) {
    uint8_t one[PICTURE], two[PICTURE];
    int differ = 0;
    for (unsigned kinds = 1; kinds < 16; kinds++)
        for (int i = 0; i < 20; i++) {
            memset(two, i, sizeof two);
            change(kinds, 0, number(i), one);
            change(kinds, 0, number(i), two);
            assert_memory_equal(one, two, PICTURE);
            change(kinds, 0, number(i + 1000), two);
            differ += memcmp(one, two, PICTURE) != 0;
        }
    assert_true(differ > 15 * 20 * 8 / 10);
}

/* What a checkpoint of an earlier version was begun with. */
static void a_shift_is_as_it_always_was(void **unused) {
    uint8_t to[PICTURE];
    for (int i = 0; i < DRAWS; i++) {
        uint64_t r = number(i);
        int down = (int)(r % 5) - 2, right = (int)((r >> 32) % 5) - 2;
        change(0, 2, r, to);
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < SIDE; y++)
                for (int x = 0; x < SIDE; x++) {
                    int sy = y - down, sx = x - right;
                    assert_int_equal(to[c * PLANE + y * SIDE + x], sy < 0 || sy >= SIDE || sx < 0 || sx >= SIDE ? 0 : picture[c * PLANE + sy * SIDE + sx]);
                }
    }
}

static void a_crop_moves_by_up_to_four_and_reflects_at_the_border(void **unused) {
    uint8_t to[PICTURE];
    int seen[9][9] = {{0}}, places = 0;
    for (int i = 0; i < 2 * DRAWS; i++) {
        int found = 0;
        change(AUGMENT_CROP, 0, number(i), to);
        for (int y = -4; y <= 4; y++)
            for (int x = -4; x <= 4; x++)
                if (is_crop(to, y, x, false)) {
                    found++;
                    places += seen[y + 4][x + 4]++ == 0;
                }
        assert_int_equal(found, 1);
    }
    assert_int_equal(places, 81);
}

static void half_of_the_pictures_are_flipped(void **unused) {
    uint8_t to[PICTURE];
    int flipped = 0;
    for (int i = 0; i < DRAWS; i++) {
        change(AUGMENT_FLIP, 0, number(i), to);
        bool turned = is_crop(to, 0, 0, true);
        assert_true(turned || memcmp(to, picture, PICTURE) == 0);
        flipped += turned;
    }
    assert_in_range(flipped, DRAWS * 2 / 5, DRAWS * 3 / 5);
}

static void cutout_fills_a_square_that_the_border_may_cut(void **unused) {
    uint8_t to[PICTURE];
    int whole = 0, smallest = 64;
    for (int i = 0; i < DRAWS; i++) {
        int top = SIDE, bottom = -1, left = SIDE, right = -1, count = 0;
        change(AUGMENT_CUTOUT, 0, number(i), to);
        for (int p = 0; p < PLANE; p++) {
            bool cut = to[p] == 254; /* the picture has nothing above 251 */
            for (int c = 0; c < 3; c++) assert_int_equal(to[c * PLANE + p], cut ? 254 - c : picture[c * PLANE + p]);
            if (!cut) continue;
            int y = p / SIDE, x = p % SIDE;
            top = y < top ? y : top, bottom = y, left = x < left ? x : left, right = x > right ? x : right;
            count++;
        }
        assert_int_equal(count, (bottom - top + 1) * (right - left + 1));
        assert_true(bottom - top < 8 && right - left < 8);
        assert_true(bottom - top == 7 || top == 0 || bottom == SIDE - 1);
        assert_true(right - left == 7 || left == 0 || right == SIDE - 1);
        whole += count == 64;
        smallest = count < smallest ? count : smallest;
    }
    assert_in_range(whole, DRAWS / 2, DRAWS * 3 / 4); /* 25/32 squared */
    assert_in_range(smallest, 16, 40);
}

/* A bright dot away from the centre keeps its distance and goes no more than fifteen degrees. */
static void a_turn_keeps_distances_and_goes_fifteen_degrees_at_most(void **unused) {
    static uint8_t dot[PLANE], to[PLANE];
    struct augment a = {.kinds = AUGMENT_ROTATE};
    int clockwise = 0, far = 0;
    memset(dot, 0, sizeof dot);
    dot[15 * SIDE + 26] = 255; /* half a pixel above the centre, ten and a half right of it */
    for (int i = 0; i < DRAWS; i++) {
        double mass = 0, my = 0, mx = 0;
        augment_picture(&a, 1, SIDE, SIDE, dot, number(i), to);
        for (int p = 0; p < PLANE; p++) mass += to[p], my += (p / SIDE) * (double)to[p], mx += (p % SIDE) * (double)to[p];
        assert_true(mass > 200 && mass < 310);
        double y = my / mass - 15.5, x = mx / mass - 15.5;
        assert_true(y * y + x * x > 10 * 10 && y * y + x * x < 11 * 11);
        assert_true(y > -0.5 - 10.6 * 0.27 - 0.3 && y < -0.5 + 10.6 * 0.27 + 0.3);
        clockwise += y > -0.5;
        far += y > 1.5 || y < -2.5;
    }
    assert_in_range(clockwise, DRAWS * 2 / 5, DRAWS * 3 / 5);
    assert_true(far > DRAWS / 10);
}

static void a_turned_plain_stays_plain_at_its_border_too(void **unused) {
    static uint8_t plain[PLANE], to[PLANE];
    struct augment a = {.kinds = AUGMENT_ROTATE | AUGMENT_CROP | AUGMENT_FLIP};
    memset(plain, 199, sizeof plain);
    for (int i = 0; i < DRAWS; i++) {
        augment_picture(&a, 1, SIDE, SIDE, plain, number(i), to);
        assert_memory_equal(to, plain, PLANE);
    }
}

static void one_more_kind_changes_nothing_in_the_others(void **unused) {
    uint8_t alone[PICTURE], both[PICTURE];
    for (int i = 0; i < 50; i++) {
        change(AUGMENT_CROP | AUGMENT_FLIP, 0, number(i), alone);
        change(AUGMENT_CROP | AUGMENT_FLIP | AUGMENT_CUTOUT, 0, number(i), both);
        for (int p = 0; p < PICTURE; p++) assert_true(both[p] == alone[p] || both[p] > 251);
    }
}

static void pictures_of_any_shape_are_changed(void **unused) {
    static const int shapes[][2] = {{1, 1}, {1, 9}, {2, 2}, {3, 200}, {4, 4}, {5, 7}};
    struct augment a = {.kinds = 15, .shift = 8};
    uint8_t to[PICTURE + 1];
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (int i = 0; i < DRAWS; i++) {
            to[3 * shapes[s][0] * shapes[s][1]] = 77;
            augment_picture(&a, 3, shapes[s][0], shapes[s][1], picture, number(i), to);
            assert_int_equal(to[3 * shapes[s][0] * shapes[s][1]], 77);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_read_and_written),
        cmocka_unit_test(nothing_asked_nothing_changed),
        cmocka_unit_test(the_same_number_gives_the_same_picture),
        cmocka_unit_test(a_shift_is_as_it_always_was),
        cmocka_unit_test(a_crop_moves_by_up_to_four_and_reflects_at_the_border),
        cmocka_unit_test(half_of_the_pictures_are_flipped),
        cmocka_unit_test(cutout_fills_a_square_that_the_border_may_cut),
        cmocka_unit_test(a_turn_keeps_distances_and_goes_fifteen_degrees_at_most),
        cmocka_unit_test(a_turned_plain_stays_plain_at_its_border_too),
        cmocka_unit_test(one_more_kind_changes_nothing_in_the_others),
        cmocka_unit_test(pictures_of_any_shape_are_changed),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
