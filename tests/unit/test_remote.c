/* Trainers on other machines, and workers that do not keep to what is agreed: each is a peer in our loop. */
#include "dispatch/remote.h"

#include "loop_help.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/peer.h"
#include "dispatch/said.h"
#include "dispatch/stream.h"
#include "dispatch/wire_tls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEAT 1000 /* seconds: no life sign comes in a test */

static struct rung_remote *remote;
static struct rung_wire_tls *tls;
static char folder[64], state_path[80];

/* What the scheduler's side heard. */
static struct heard {
    int joined, left, wanted, late, messages, warned;
    bool wants, parted; /* parted: as the last trainer that was gone said of its worker */
    char warning[512];
    char told[1024]; /* of workers' comings and goings, a line each */
} heard;

/* A worker: what it was told. */
static struct worker {
    struct rung_peer *peer;
    struct rung_wire *wire; /* until it is welcome */
    int wants, drops, starts, goodbyes;
    bool lost;
    const char *state; /* that it sends when it is asked for it; NULL: none */
    char refused[200];
} worker;

/* ---- the scheduler's side ---- */

static void on_joined(void *context, int slot, double now)
{
    (void)context, (void)slot, (void)now;
    heard.joined++;
}

static void on_left(void *context, int slot, double now)
{
    (void)context, (void)slot, (void)now;
    heard.left++;
}

static void on_trainer_message(void *context, int slot, const struct rung_proto_message *message, double now)
{
    (void)context, (void)slot, (void)message, (void)now;
    heard.messages++;
}

static void on_trainer_gone(void *context, int slot, const struct rung_exit *how, double now)
{
    (void)context, (void)slot, (void)now;
    heard.parted = how->parted;
}

static bool on_wanted(void *context, const struct rung_late *late, struct rung_late_wanted *wanted,
                      double now)
{
    (void)context, (void)now;
    assert_string_equal(late->identity, "mine");
    heard.wanted++;
    rung_buf_clear(wanted->state);
    rung_buf_text(wanted->state, state_path);
    wanted->metric = "score";
    return heard.wants;
}

static void on_late(void *context, const struct rung_late *late, const struct rung_proto_message *messages,
                    size_t count, double now)
{
    (void)context, (void)late, (void)now;
    assert_true(count > 0 && messages[count - 1].type == RUNG_PROTO_RESULT);
    assert_int_equal(access(state_path, F_OK), 0);
    heard.late++;
}

static void on_warn(void *context, const char *text)
{
    (void)context;
    heard.warned++;
    snprintf(heard.warning, sizeof heard.warning, "%s", text);
}

static void on_tell(void *context, const char *text)
{
    size_t length = strlen(heard.told);
    (void)context;
    snprintf(heard.told + length, sizeof heard.told - length, "%s\n", text);
}

/* ---- the worker's side ---- */

#define OFFER                                                                                                \
    "{\"type\":\"late\",\"late\":3,\"search\":\"mine\",\"trainer\":0,\"job\":7,\"model\":2,\"from\":0,"      \
    "\"to\":5,\"state\":true,\"lines\":[{\"type\":\"result\",\"job\":7,\"score\":0.5}]}"

static void on_told(void *context, const struct rung_json *message, const char *file)
{
    const char *type = rung_said_string(message, "type");
    (void)context, (void)file;
    worker.drops += strcmp(type, "drop") == 0;
    worker.starts += strcmp(type, "start") == 0;
    if (strcmp(type, "want") == 0 && ++worker.wants < 10) /* else it would never end */
        rung_peer_send_file(worker.peer, OFFER, worker.state, worker.state ? rung_stream_of_late(3) : 0,
                            false);
    worker.goodbyes += strcmp(type, "goodbye") == 0;
    if (strcmp(type, "goodbye") == 0)
        rung_peer_send(worker.peer, "{\"type\":\"goodbye\"}");
}

static char *nowhere(void *context, uint64_t stream)
{
    (void)context, (void)stream;
    return NULL;
}

static void on_lost(void *context, bool broken, const char *reason)
{
    (void)context, (void)broken, (void)reason;
    worker.lost = true;
}

static void on_open(void *context, struct rung_wire *wire)
{
    (void)context;
    const char *hello = "{\"type\":\"hello\",\"protocol\":1,\"worker\":\"0123456789abcdef0123456789abcdef\","
                        "\"session\":\"\",\"trainers\":2,\"received\":0,\"host\":\"elsewhere\"}";
    rung_wire_send(wire, hello, strlen(hello));
}

static void on_answer(void *context, struct rung_wire *wire, const struct rung_json *message)
{
    struct rung_peer_listener listener = {.message = on_told, .place = nowhere, .lost = on_lost};
    (void)context;
    snprintf(worker.refused, sizeof worker.refused, "%s", rung_said_string(message, "reason"));
    if (strcmp(rung_said_string(message, "type"), "welcome") != 0)
        return;
    worker.peer = rung_peer_create(base, BEAT, &listener);
    worker.wire = NULL;
    assert_true(rung_peer_connected(worker.peer, wire, 0));
}

static void on_piece(void *context, struct rung_wire *wire, uint64_t stream, const void *data, size_t length)
{
    (void)context, (void)wire, (void)stream, (void)data, (void)length;
}

static void on_closed(void *context, struct rung_wire *wire, bool broken, const char *reason)
{
    (void)context, (void)wire, (void)broken, (void)reason;
    worker.lost = true;
}

static void join(void)
{
    struct rung_wire_listener listener = {
        .open = on_open, .message = on_answer, .piece = on_piece, .closed = on_closed};
    struct rung_address address = {.host = "127.0.0.1", .port = rung_remote_port(remote)};
    struct rung_err err;
    int fd;

    if (rung_address_connect(&fd, &address, &err) < 0)
        fail_msg("%s", err.text);
    worker.wire = rung_wire_create(tls, base, fd, false, &listener);
    assert_non_null(worker.wire);
    until(heard.joined == 2 && worker.peer);
}

/* ---- around a test ---- */

static int set_up(void **state)
{
    struct rung_remote_options options = {
        .address = {.host = "127.0.0.1"}, .key = {{42}}, .beat = BEAT, .warn = on_warn, .tell = on_tell};
    struct rung_executor_listener listener = {.message = on_trainer_message,
                                              .gone = on_trainer_gone,
                                              .joined = on_joined,
                                              .left = on_left,
                                              .wanted = on_wanted,
                                              .late = on_late};
    struct rung_err err;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    heard = (struct heard){.wants = true};
    worker = (struct worker){0};
    snprintf(folder, sizeof folder, "/tmp/rung-remote-XXXXXX");
    base = event_base_new();
    if (!base || !mkdtemp(folder) || rung_wire_tls_create(&tls, &options.key, &err) < 0 ||
        rung_remote_create(&remote, base, &options, &err) < 0)
        return -1;
    snprintf(state_path, sizeof state_path, "%s/state", folder);
    rung_remote_listen(remote, listener);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rung_remote_free(remote);
    rung_peer_free(worker.peer);
    rung_wire_free(worker.wire);
    rung_wire_tls_free(tls);
    event_base_free(base);
    return rmdir(folder);
}

/* ---- late results ---- */

static void a_late_result_comes_with_its_state(void **state)
{
    char *source = rung_mem_printf("%s/source", folder);
    FILE *file = fopen(source, "w");
    struct stat info;

    (void)state;
    assert_non_null(file);
    fputs("a state", file);
    assert_int_equal(fclose(file), 0);
    worker.state = source;
    join();
    rung_peer_send(worker.peer, OFFER);
    until(worker.drops == 1);
    assert_int_equal(worker.wants, 1);
    assert_int_equal(heard.late, 1);
    assert_int_equal(stat(state_path, &info), 0);
    assert_int_equal(info.st_size, 7);
    unlink(state_path);
    unlink(source);
    free(source);
}

static void a_late_result_that_is_not_wanted_is_dropped(void **state)
{
    (void)state;
    heard.wants = false;
    join();
    rung_peer_send(worker.peer, OFFER);
    until(worker.drops == 1);
    assert_int_equal(worker.wants, 0);
    assert_int_equal(heard.late, 0);
}

/* Its file has gone, or cannot be written here: asking again would not help. */
static void a_late_state_is_asked_for_once(void **state)
{
    (void)state;
    join();
    rung_peer_send(worker.peer, OFFER);
    until(worker.drops == 1 || worker.wants == 3);
    assert_int_equal(worker.wants, 1);
    assert_int_equal(worker.drops, 1);
    assert_int_equal(heard.late, 0);
}

/* ---- starts ---- */

static int start_with(const char *setting, struct rung_err *err)
{
    struct rung_executor *executor = rung_remote_executor(remote);
    char *command[] = {"true"}, *names[] = {"SETTING"}, *values[] = {(char *)setting};
    struct rung_trainer_spec trainer = {.command = command,
                                        .words = 1,
                                        .env_names = names,
                                        .env_values = values,
                                        .env_count = 1,
                                        .threads = 1};
    struct rung_json *settings = rung_json_parse("{}", 2, 0, err);
    struct rung_start start = {.line = {.search = "mine", .settings = settings},
                               .trainer = &trainer,
                               .identity = "mine",
                               .metric = "score",
                               .folder = "/",
                               .log_folder = folder};
    int code = executor->start(executor->self, 0, &start, err);
    rung_json_free(settings);
    return code;
}

static void a_trainer_that_fits_into_no_message_is_not_started(void **state)
{
    char *long_one = rung_mem_zalloc(RUNG_PEER_TEXT_MAX + 1, 1);
    struct rung_err err;

    (void)state;
    memset(long_one, 'x', RUNG_PEER_TEXT_MAX);
    join();
    assert_int_equal(start_with(long_one, &err), RUNG_EFAIL);
    assert_non_null(strstr(err.text, "does not fit into a message to a worker: 209"));
    long_one[RUNG_PEER_TEXT_MAX - 1000] = '\0';
    assert_int_equal(start_with(long_one, &err), 0);
    until(worker.starts == 1);
    assert_false(worker.lost);
    free(long_one);
}

/* ---- comings and goings ---- */

static void a_worker_that_leaves_is_not_one_that_is_lost(void **state)
{
    struct rung_err err;

    (void)state;
    join();
    assert_string_equal(heard.told, "worker elsewhere has joined: 2 trainers\n");
    assert_int_equal(start_with("", &err), 0);
    rung_peer_send(worker.peer, "{\"type\":\"goodbye\"}");
    until(heard.left == 2);
    assert_true(heard.parted);
    assert_string_equal(heard.told, "worker elsewhere has joined: 2 trainers\nworker elsewhere has left\n");
}

static void a_worker_that_is_lost_is_not_one_that_leaves(void **state)
{
    struct rung_err err;

    (void)state;
    join();
    heard.told[0] = '\0';
    heard.parted = true;
    assert_int_equal(start_with("", &err), 0);
    rung_peer_send(worker.peer, "{\"received\":9000,\"type\":\"said\"}"); /* what nobody sent */
    until(heard.left == 2);
    assert_false(heard.parted);
    assert_string_equal(heard.told, "worker elsewhere is gone: it did not keep to the protocol\n");
}

static void who_is_not_sent_home_is_only_cut_off(void **state)
{
    (void)state;
    join();
    rung_remote_free(remote);
    remote = NULL;
    until(worker.lost);
    assert_int_equal(worker.goodbyes, 0);
}

static void who_is_sent_home_says_goodbye_too(void **state)
{
    (void)state;
    join();
    heard.told[0] = '\0';
    rung_remote_send_home(remote);
    assert_int_equal(worker.goodbyes, 1);
    assert_string_equal(heard.told, ""); /* it goes without saying */
}

/* ---- what trainers print ---- */

static void assert_tail(size_t lines, const char *expected)
{
    struct rung_executor *executor = rung_remote_executor(remote);
    struct rung_buf tail;

    rung_buf_init(&tail, RUNG_BUF_UNLIMITED);
    executor->log_tail(executor->self, 0, lines, &tail);
    assert_string_equal(rung_buf_cstr(&tail), expected);
    rung_buf_free(&tail);
}

static void print(const char *text)
{
    char *message =
        rung_mem_printf("{\"type\":\"printed\",\"slot\":0,\"life\":%d,\"text\":\"%s\"}", worker.starts, text);
    char *ready = rung_mem_printf("{\"type\":\"said\",\"slot\":0,\"life\":%d,\"line\":{\"type\":\"ready\","
                                  "\"protocol\":1}}",
                                  worker.starts);
    int messages = heard.messages;

    rung_peer_send(worker.peer, message);
    rung_peer_send(worker.peer, ready); /* it was heard when this is */
    until(heard.messages > messages);
    free(message);
    free(ready);
}

/* A trainer that is silent for too long says nothing of it: what came before is all there is. */
static void what_a_trainer_has_printed_is_known_without_asking(void **state)
{
    char *path = rung_mem_printf("%s/0.log", folder);
    struct rung_err err;

    (void)state;
    join();
    assert_int_equal(start_with("", &err), 0);
    until(worker.starts == 1);
    assert_tail(20, "");
    print("one\\ntwo\\nth");
    print("ree\\nfour");
    assert_tail(20, "one\ntwo\nthree\nfour");
    assert_tail(2, "three\nfour");
    rung_peer_send(worker.peer, "{\"type\":\"gone\",\"slot\":0,\"life\":1,\"number\":1,\"log\":\"five\"}");
    heard.parted = true;
    until(!heard.parted);
    assert_tail(20, ""); /* its search may be gone, too */
    assert_int_equal(start_with("", &err), 0);
    until(worker.starts == 2);
    assert_tail(20, "");
    print("six");
    assert_tail(20, "six");
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* ---- messages that make no sense ---- */

static void nonsense_is_passed_over(void **state)
{
    static const char *const nonsense[] = {
        "{\"type\":7}",
        "{\"type\":\"said\"}",
        "{\"type\":\"said\",\"slot\":0,\"life\":0}",
        "{\"type\":\"said\",\"slot\":1,\"life\":0,\"line\":{\"type\":\"ready\"}}",
        "{\"type\":\"said\",\"slot\":2,\"life\":0,\"line\":{\"type\":\"ready\"}}",
        "{\"type\":\"said\",\"slot\":9007199254740991,\"life\":-1}",
        "{\"type\":\"need\",\"slot\":0,\"life\":0,\"job\":1}",
        "{\"type\":\"returned\",\"slot\":0,\"life\":0,\"job\":1}",
        "{\"type\":\"gone\",\"slot\":0,\"life\":0}",
        "{\"type\":\"late\"}",
        "{\"type\":\"late\",\"late\":9007199254740991,\"lines\":[1]}",
        "{\"type\":\"late\",\"late\":1,\"search\":\"mine\",\"trainer\":0,\"job\":7,\"model\":4294967295,"
        "\"from\":0,\"to\":5,\"lines\":[1]}",
        "{\"type\":\"late\",\"late\":1,\"search\":\"mine\",\"trainer\":0,\"job\":7,\"model\":1,"
        "\"from\":5,\"to\":5,\"lines\":[1]}",
        "{\"type\":\"late\",\"late\":1,\"search\":\"mine\",\"trainer\":0,\"job\":7,\"model\":1,"
        "\"from\":0,\"to\":5,\"lines\":[]}",
    };
    (void)state;
    join();
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++)
        rung_peer_send(worker.peer, nonsense[i]);
    rung_peer_send(worker.peer, OFFER); /* they were all heard when this one is */
    until(worker.drops == 1);
    assert_int_equal(heard.messages, 0);
    assert_int_equal(heard.wanted, 2);
    assert_int_equal(heard.left, 0);
    assert_false(worker.lost);
}

/* Its files go where they are asked for, and else nowhere. */
static void a_file_that_nobody_asked_for_is_kept_nowhere(void **state)
{
    static const uint64_t streams[] = {0, 1, RUNG_STREAM_TRAINERS, UINT64_MAX >> 11};
    char *source = rung_mem_printf("%s/source", folder);
    FILE *file = fopen(source, "w");

    (void)state;
    assert_non_null(file);
    fputs("a state", file);
    assert_int_equal(fclose(file), 0);
    join();
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        rung_peer_send_file(worker.peer, "{\"type\":\"said\",\"slot\":0,\"life\":0}", source, streams[i],
                            false);
    heard.wants = false;
    rung_peer_send(worker.peer, OFFER);
    until(worker.drops == 1);
    assert_false(worker.lost);
    unlink(source);
    free(source);
}

static void who_does_not_keep_to_the_protocol_is_let_go(void **state)
{
    (void)state;
    join();
    rung_peer_send(worker.peer, "{\"received\":9000,\"type\":\"said\"}"); /* what nobody sent */
    until(heard.left == 2);
    assert_non_null(strstr(heard.warning, "the worker on elsewhere did not keep to the protocol"));
    until(worker.lost);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_late_result_comes_with_its_state),
        TEST(a_late_result_that_is_not_wanted_is_dropped),
        TEST(a_late_state_is_asked_for_once),
        TEST(a_trainer_that_fits_into_no_message_is_not_started),
        TEST(a_worker_that_leaves_is_not_one_that_is_lost),
        TEST(a_worker_that_is_lost_is_not_one_that_leaves),
        TEST(who_is_not_sent_home_is_only_cut_off),
        TEST(who_is_sent_home_says_goodbye_too),
        TEST(what_a_trainer_has_printed_is_known_without_asking),
        TEST(nonsense_is_passed_over),
        TEST(a_file_that_nobody_asked_for_is_kept_nowhere),
        TEST(who_does_not_keep_to_the_protocol_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
