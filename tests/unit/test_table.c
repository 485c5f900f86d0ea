/* Readers: IDX, LIBSVM, CSV, plain and compressed, whole and damaged. */
#include "trainer/table.h"
#include "trainer_help.h"

#include <math.h>

/* Numbers */

static void numbers_are_those_of_strtod(void **state)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "1",
                                        "+7.25",
                                        ".5",
                                        "5.",
                                        "0.1",
                                        "1e5",
                                        "-2.5E-3",
                                        "123456789012345",
                                        "1234567890123456789",
                                        "0.000001",
                                        "3.14159265358979323846",
                                        "1e308",
                                        "4.9e-324",
                                        "00012"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *p = texts[i];
        double number;

        assert_true(rung_text_number(&p, &number));
        assert_int_equal(*p, '\0');
        if (number != strtod(texts[i], NULL) || signbit(number) != signbit(strtod(texts[i], NULL)))
            fail_msg("%s is read as %.17g", texts[i], number);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const texts[] = {"", "-", ".", "nan", "inf", "-inf", "x", "e5", "0x10", "1e999", " 1"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *p = texts[i];
        double number;

        if (rung_text_number(&p, &number))
            fail_msg("\"%s\" is read as %g", texts[i], number);
    }
}

/* Reading by content, as a whole */

static struct rung_table table;
static struct rung_err error;

static int read_path(const char *path, enum rung_format expected, const struct rung_csv_options *options)
{
    struct rung_file file;
    struct rung_csv_options plain = {.header = -1};
    struct rung_csv *csv = rung_csv_new(options ? options : &plain);
    int code = rung_file_read(path, &file, &error);

    rung_table_free(&table);
    if (code == 0) {
        enum rung_format format = rung_file_format(&file);

        assert_int_equal(format, expected);
        if (format == RUNG_FORMAT_IDX)
            code = rung_idx_read(path, &file, &table, &error);
        else if (format == RUNG_FORMAT_LIBSVM)
            code = rung_libsvm_read(path, &file, 0, &table, &error);
        else
            code = rung_csv_read(csv, path, &file, &table, &error);
    }
    free(file.text);
    rung_csv_free(csv);
    return code;
}

static void check_text(const char *text, enum rung_format format, const char *reason)
{
    const char *path = write_text("t", text);
    int code = read_path(path, format, NULL);

    if (reason) {
        assert_int_equal(code, RUNG_EUSE);
        if (strncmp(error.text, path, strlen(path)) != 0 || !strstr(error.text, reason))
            fail_msg("\"%s\" does not hold \"%s\"", error.text, reason);
    } else if (code != 0) {
        fail_msg("%s: %s", text, error.text);
    }
}

static int clean(void **state)
{
    (void)state;
    rung_table_free(&table);
    return 0;
}

/* LIBSVM */

static void libsvm_is_read(void **state)
{
    static const int32_t columns[] = {0, 2, 1, 3};
    static const float values[] = {1, .5f, -2, 3};
    static const int64_t starts[] = {0, 2, 2, 4};

    (void)state;
    for (int crlf = 0; crlf < 2; crlf++) {
        check_text(crlf ? "+1 1:1 3:0.5\r\n-1\r\n\r\n2 2:-2\t4:3 # note\r\n"
                        : "+1 1:1 3:0.5\n-1\n\n2 2:-2\t4:3 # note",
                   RUNG_FORMAT_LIBSVM, NULL);
        assert_int_equal(table.rows, 3);
        assert_int_equal(table.features, 4);
        assert_memory_equal(table.start, starts, sizeof starts);
        assert_memory_equal(table.column, columns, sizeof columns);
        assert_memory_equal(table.value, values, sizeof values);
        assert_true(table.answer[0] == 1 && table.answer[1] == -1 && table.answer[2] == 2);
    }
}

static void damaged_libsvm_is_refused_by_line(void **state)
{
    (void)state;
    check_text("1 1:1\n1 0:1\n", RUNG_FORMAT_LIBSVM, "t:2: index 0 (must be 1 to");
    check_text("1 1:1\n1 3:1 2:1\n", RUNG_FORMAT_LIBSVM, "t:2: index 2 after 3 (indices must rise)");
    check_text("1 1:1\n1 3:1 3:1\n", RUNG_FORMAT_LIBSVM, "t:2: index 3 after 3");
    check_text("1 1:1\nx 3:1\n", RUNG_FORMAT_LIBSVM, "t:2: expected a label, not \"x\"");
    check_text("1 1:1\n1,5 3:1\n", RUNG_FORMAT_LIBSVM, "t:2: expected a label, not \",5\"");
    check_text("1 1:1\n\n1 2:\n", RUNG_FORMAT_LIBSVM, "t:3: expected INDEX:VALUE, not \"2:\"");
    check_text("1 1:1\n1 2:1x\n", RUNG_FORMAT_LIBSVM, "t:2: expected INDEX:VALUE, not \"2:1x\"");
    check_text("1 1:1 2\n", RUNG_FORMAT_LIBSVM, "t:1: expected INDEX:VALUE, not \"2\"");
    check_text("1 1:1 99999999999:1\n", RUNG_FORMAT_LIBSVM, "t:1: expected INDEX:VALUE");
    check_text("1 1:1 4294967295:1\n", RUNG_FORMAT_LIBSVM, "t:1: index 4294967295 (must be");
    check_text("1 1:nan\n", RUNG_FORMAT_LIBSVM, "expected INDEX:VALUE");
    write_bytes(in_folder("nul"), "1 1:1\n1 \0 1:1\n", 14);
    assert_int_equal(read_path(in_folder("nul"), RUNG_FORMAT_LIBSVM, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "nul:2: a NUL byte"));
}

/* IDX */

static void idx_types_are_read(void **state)
{
    static const unsigned char bytes[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255};
    static const unsigned char shorts[] = {0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 1, 0};
    static const unsigned char floats[] = {0, 0, 0x0d, 1, 0, 0, 0, 2, 0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0};
    static const unsigned char doubles[] = {0, 0, 0x0e, 1, 0, 0, 0, 1, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0};

    (void)state;
    write_bytes(in_folder("b"), bytes, sizeof bytes);
    assert_int_equal(read_path(in_folder("b"), RUNG_FORMAT_IDX, NULL), 0);
    assert_int_equal(table.rows, 2);
    assert_int_equal(table.features, 3);
    assert_int_equal(table.storage, RUNG_STORE_BYTES);
    assert_memory_equal(table.bytes, bytes + 12, 6);
    write_bytes(in_folder("s"), shorts, sizeof shorts);
    assert_int_equal(read_path(in_folder("s"), RUNG_FORMAT_IDX, NULL), 0);
    assert_true(table.floats[0] == -2 && table.floats[1] == 256);
    write_bytes(in_folder("f"), floats, sizeof floats);
    assert_int_equal(read_path(in_folder("f"), RUNG_FORMAT_IDX, NULL), 0);
    assert_true(table.floats[0] == 1 && table.floats[1] == -2.5f);
    write_bytes(in_folder("d"), doubles, sizeof doubles);
    assert_int_equal(read_path(in_folder("d"), RUNG_FORMAT_IDX, NULL), 0);
    assert_true(table.floats[0] == -1.5f);
}

static void damaged_idx_is_refused(void **state)
{
    unsigned char data[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7};

    (void)state;
    for (size_t length = 4; length < 18; length++) {
        write_bytes(in_folder("cut"), data, length);
        assert_int_equal(read_path(in_folder("cut"), RUNG_FORMAT_IDX, NULL), RUNG_EUSE);
        assert_non_null(strstr(error.text, "cut: truncated"));
    }
    write_bytes(in_folder("long"), data, 19);
    assert_int_equal(read_path(in_folder("long"), RUNG_FORMAT_IDX, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "too long: 6 bytes of values announced, 7 there"));
    data[4] = data[8] = 0xff; /* sizes whose product is huge */
    write_bytes(in_folder("huge"), data, 18);
    assert_int_equal(read_path(in_folder("huge"), RUNG_FORMAT_IDX, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "truncated"));
    data[2] = 7;
    write_bytes(in_folder("type"), data, 18);
    assert_int_equal(read_path(in_folder("type"), RUNG_FORMAT_IDX, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "not an IDX file (type 0x07"));
    memset(data + 2, 0, sizeof data - 2);
    data[2] = 8;
    data[3] = 1;
    write_bytes(in_folder("none"), data, 8);
    assert_int_equal(read_path(in_folder("none"), RUNG_FORMAT_IDX, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "none: no examples"));
}

static void labels_must_fit_the_images(void **state)
{
    static const unsigned char images[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2};
    static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3};
    struct rung_file file;

    (void)state;
    write_bytes(in_folder("i"), images, sizeof images);
    write_bytes(in_folder("l"), labels, sizeof labels);
    assert_int_equal(read_path(in_folder("i"), RUNG_FORMAT_IDX, NULL), 0);
    assert_int_equal(rung_file_read(in_folder("l"), &file, &error), 0);
    assert_int_equal(rung_idx_labels("l", &file, &table, &error), RUNG_EUSE);
    assert_non_null(strstr(error.text, "l: 3 labels for the 2 examples of"));
    table.rows = 3;
    assert_int_equal(rung_idx_labels("l", &file, &table, &error), 0);
    assert_true(table.answer[2] == 3);
    free(file.text);
}

/* CSV */

static void csv_of_numbers_and_texts_is_read(void **state)
{
    static const float values[] = {1, 2, 0, 1, 3, NAN, 1, 0, 5, 6, 0, 0};

    (void)state;
    for (int crlf = 0; crlf < 2; crlf++) {
        check_text(crlf ? "\xef\xbb\xbf"
                          "a,b,c,y\r\n1,2,red,0\r\n\r\n3, ,\"blue\" ,1\r\n5,6,NA,0\r\n"
                        : "a,b,c,y\n1,2,red,0\n3,,blue,1\n5,6,?,0",
                   RUNG_FORMAT_CSV, NULL);
        assert_int_equal(table.rows, 3);
        assert_int_equal(table.features, 4); /* a, b, c is blue, c is red */
        for (int i = 0; i < 12; i++)
            assert_true(table.floats[i] == values[i] || (isnan(values[i]) && isnan(table.floats[i])));
        assert_true(table.answer[0] == 0 && table.answer[1] == 1 && table.answer[2] == 0);
        assert_int_equal(table.flag[0] + 2 * table.flag[1] + 4 * table.flag[2] + 8 * table.flag[3], 12);
    }
}

static void csv_separators_and_headers_are_guessed(void **state)
{
    (void)state;
    check_text("1\t2\n3\t4\n", RUNG_FORMAT_CSV, NULL);
    assert_int_equal(table.rows, 2);
    assert_int_equal(table.features, 1);
    check_text("a;b;c\n1;2;3\n", RUNG_FORMAT_CSV, NULL);
    assert_int_equal(table.rows, 1);
    check_text("  1   2 3 \n 4 5   6\n", RUNG_FORMAT_CSV, NULL);
    assert_int_equal(table.features, 2);
    assert_true(table.floats[3] == 5 && table.answer[1] == 6);
    check_text("1,2\n3,4\n", RUNG_FORMAT_CSV, NULL); /* no header: the first row holds numbers */
    assert_int_equal(table.rows, 2);
}

static void csv_quotes_hold_separators_lines_and_quotes(void **state)
{
    (void)state;
    check_text("\"a,1\",\"b\"\"q\"\n\"x\"\"y\nz\",1\n\"x\"\"y\nz\",2\nother,2\n", RUNG_FORMAT_CSV, NULL);
    assert_int_equal(table.rows, 3);
    assert_int_equal(table.features, 2);
    assert_true(table.floats[0] == table.floats[2] && table.floats[0] != table.floats[4]);
    check_text("a,b\n\"x,1\n", RUNG_FORMAT_CSV, "t:2: a quote is not closed");
    check_text("a,b\n1,1\n\"2\n\n\",x\n3,3,3\n", RUNG_FORMAT_CSV, "t:6: 3 cells, not 2");
}

static void damaged_csv_is_refused_by_line(void **state)
{
    (void)state;
    check_text("a,b\n1,2\n3\n", RUNG_FORMAT_CSV, "t:3: 1 cells, not 2");
    check_text("a,b\n1,2\n3,\n", RUNG_FORMAT_CSV, "t:3: column \"b\": the target is missing");
    check_text("a,b\n", RUNG_FORMAT_CSV, "t: no examples");
    check_text("\n\n", RUNG_FORMAT_CSV, "t: no examples");
    check_text("b\n1\n", RUNG_FORMAT_CSV, "t: no column of input beside the target");
    check_text("a,b\n,2\n,3\n", RUNG_FORMAT_CSV, "t: column \"a\" holds no value");
    write_bytes(in_folder("nul"), "a,b\n1,\0 2\n", 11);
    assert_int_equal(read_path(in_folder("nul"), RUNG_FORMAT_CSV, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "nul: not a text file"));
}

static void csv_columns_are_chosen(void **state)
{
    struct rung_json *target = json("'y'"), *ignore = json("['id',-1]"), *none = json("'no'"),
                     *far = json("7");
    struct rung_csv_options options = {.header = -1, .target = target, .ignore = ignore};
    const char *path = write_text("c", "id,y,a,junk\n17,1,2,x\n18,0,3,z\n");

    (void)state;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), 0);
    assert_int_equal(table.features, 1);
    assert_true(table.floats[1] == 3 && table.answer[0] == 1);
    options.target = none;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), RUNG_EUSE);
    assert_string_equal(error.text, "settings.data.target: no column \"no\"");
    options.target = far;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), RUNG_EUSE);
    assert_string_equal(error.text, "settings.data.target: must be a column's name or its number, -4 to 3");
    options.target = NULL;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), RUNG_EUSE);
    assert_string_equal(error.text, "settings.data.ignore: names the target");
    options.ignore = NULL;
    options.no_target = true;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), 0);
    assert_null(table.answer);
    assert_int_equal(table.features, 5);
    options.header = 0;
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), 0);
    assert_int_equal(table.rows, 3);
    options.missing_is_error = true;
    options.header = -1;
    path = write_text("m", "a,b\n1,2\n,4\n");
    assert_int_equal(read_path(path, RUNG_FORMAT_CSV, &options), RUNG_EUSE);
    assert_non_null(strstr(error.text, "m:3: column \"a\": the value is missing"));
    rung_json_free(target);
    rung_json_free(ignore);
    rung_json_free(none);
    rung_json_free(far);
}

/* The test file has the columns of the training file, whatever it holds itself. */
static void second_csv_gets_the_columns_of_the_first(void **state)
{
    static const struct rung_csv_options options = {.header = -1};
    struct rung_csv *csv = rung_csv_new(&options);
    static const char *const texts[] = {"c,n,y\nred,1,a\nblue,2,b\n", "c,n,y\ngreen,3,b\nred,4,b\n",
                                        "c,n,y\nred,x,b\n", "c,n,y\nred,1,c\n", "c,n\nred,1\n"};
    static const char *const reasons[] = {NULL, NULL, "column \"n\": \"x\" is no number",
                                          "column \"y\": \"c\" does not occur in the training file",
                                          "2 cells, not 3"};

    (void)state;
    for (int i = 0; i < 5; i++) {
        const char *path = write_text("two", texts[i]);
        struct rung_file file;
        int code;

        rung_table_free(&table);
        assert_int_equal(rung_file_read(path, &file, &error), 0);
        code = rung_csv_read(csv, path, &file, &table, &error);
        free(file.text);
        if (reasons[i]) {
            assert_int_equal(code, RUNG_EUSE);
            assert_non_null(strstr(error.text, reasons[i]));
        } else {
            assert_int_equal(code, 0);
            assert_int_equal(table.features, 3);
        }
        if (i == 1) { /* green is none of them */
            assert_true(table.floats[0] == 0 && table.floats[1] == 0 && table.floats[2] == 3);
            assert_true(table.floats[3] == 0 && table.floats[4] == 1 && table.answer[0] == 1);
        }
    }
    assert_true(rung_csv_target_is_text(csv));
    rung_csv_free(csv);
}

static void too_many_texts_are_refused(void **state)
{
    char *text = malloc(20000), *end = text;

    (void)state;
    end += sprintf(end, "a,b\n");
    for (int i = 0; i < 1001; i++)
        end += sprintf(end, "t%d,1\n", i);
    check_text(text, RUNG_FORMAT_CSV, "t:1002: column \"a\": more than 1000 different texts");
    free(text);
}

/* Compression */

static void gzip_gives_the_same_as_plain(void **state)
{
    char *text = malloc(400000), *end = text, *plain;
    size_t rows;

    (void)state;
    for (int i = 0; i < 20000; i++)
        end += sprintf(end, "%d %d:%d.5 %d:1\n", i % 2, i % 7 + 1, i, i % 7 + 9);
    check_text(text, RUNG_FORMAT_LIBSVM, NULL);
    rows = (size_t)table.rows;
    plain = malloc(2 * rows * sizeof *table.value);
    memcpy(plain, table.value, 2 * rows * sizeof *table.value);
    write_gzip(in_folder("z"), text, (size_t)(end - text));
    assert_int_equal(read_path(in_folder("z"), RUNG_FORMAT_LIBSVM, NULL), 0);
    assert_int_equal(table.rows, rows);
    assert_memory_equal(table.value, plain, 2 * rows * sizeof *table.value);
    free(plain);
    free(text);
}

static void damaged_gzip_is_refused(void **state)
{
    char *data, *text = malloc(100000), *end = text;
    size_t length;

    (void)state;
    for (int i = 0; i < 5000; i++)
        end += sprintf(end, "%d 1:%d\n", i * 7919 % 13, i * 104729 % 9973);
    write_gzip(in_folder("z"), text, (size_t)(end - text));
    length = read_bytes(in_folder("z"), &data);
    write_bytes(in_folder("z"), data, length / 2);
    assert_int_equal(read_path(in_folder("z"), RUNG_FORMAT_LIBSVM, NULL), RUNG_EUSE);
    assert_non_null(strstr(error.text, "z: truncated gzip file"));
    data[length / 2] ^= 0x55;
    write_bytes(in_folder("z"), data, length);
    assert_int_equal(read_path(in_folder("z"), RUNG_FORMAT_LIBSVM, NULL), RUNG_EUSE);
    assert_int_equal(strncmp(error.text, in_folder("z"), strlen(in_folder("z"))), 0);
    free(data);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_strtod),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test_teardown(libsvm_is_read, clean),
        cmocka_unit_test_teardown(damaged_libsvm_is_refused_by_line, clean),
        cmocka_unit_test_teardown(idx_types_are_read, clean),
        cmocka_unit_test_teardown(damaged_idx_is_refused, clean),
        cmocka_unit_test_teardown(labels_must_fit_the_images, clean),
        cmocka_unit_test_teardown(csv_of_numbers_and_texts_is_read, clean),
        cmocka_unit_test_teardown(csv_separators_and_headers_are_guessed, clean),
        cmocka_unit_test_teardown(csv_quotes_hold_separators_lines_and_quotes, clean),
        cmocka_unit_test_teardown(damaged_csv_is_refused_by_line, clean),
        cmocka_unit_test_teardown(csv_columns_are_chosen, clean),
        cmocka_unit_test_teardown(second_csv_gets_the_columns_of_the_first, clean),
        cmocka_unit_test_teardown(too_many_texts_are_refused, clean),
        cmocka_unit_test_teardown(gzip_gives_the_same_as_plain, clean),
        cmocka_unit_test_teardown(damaged_gzip_is_refused, clean),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
