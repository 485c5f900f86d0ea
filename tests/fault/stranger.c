/*
 * Has the key and does not keep to the protocol:  stranger PORT KEY HOW
 *
 *     silent        never says hello
 *     long          says hello, then sends a frame of 2^32-1 bytes
 *     truncated     …, then closes in the middle of a frame
 *     cut           …, then is gone in the middle of a frame
 *     unknown       …, then sends a frame of no known type
 *     text          …, then a message that is no JSON
 *     missing       …, then a message whose number comes too early
 *     confirms      …, then confirms what was not sent
 *     checksum      takes a job and sends its result with a state that has another checksum
 *     short         …, with a state that is shorter than it says
 *     version       says hello in another version of the protocol
 *     other         says something else than hello
 *     again         goes on where it never was: as a worker with messages that were never sent
 *
 * Ends well when the other side has ended the connection; prints what it was told last.
 */
#include "client.h"

#include "core/spec.h"
#include "dispatch/said.h"

#define STATE_BYTES 100000

static void say_ready(struct client *client, const struct rung_json *start)
{
    char text[256];

    snprintf(text, sizeof text,
             "{\"type\":\"said\",\"slot\":0,\"life\":%lld,\"line\":{\"type\":\"ready\",\"protocol\":1}}",
             (long long)rung_said_integer(start, "life", 0));
    client_say(client, true, text);
}

static void answer_job(struct client *client, const struct rung_json *message, bool shorter)
{
    static const char state[STATE_BYTES / 2];
    const struct rung_json *job = rung_json_get(message, "job");
    long long number = rung_said_integer(job, "job", 0);
    char text[1024];

    client_frame(client, RUNG_FRAME_PIECE, (uint64_t)number, state, sizeof state);
    if (!shorter)
        client_frame(client, RUNG_FRAME_PIECE, (uint64_t)number, state, sizeof state);
    snprintf(text, sizeof text,
             "{\"stream\":%lld,\"bytes\":%d,\"sha256\":\"%064d\",\"type\":\"said\",\"slot\":0,\"life\":%lld,"
             "\"line\":{\"type\":\"result\",\"job\":%lld,\"score\":1e9}}",
             number, STATE_BYTES, 7, (long long)rung_said_integer(message, "life", 0), number);
    client_say(client, true, text);
}

/* As a trainer would, up to its first result. */
static void work(struct client *client, const struct rung_json *message, bool shorter)
{
    const char *type = rung_said_string(message, "type");

    if (strcmp(type, "start") == 0)
        say_ready(client, message);
    else if (strcmp(type, "job") == 0 && rung_said_flag(message, "save"))
        answer_job(client, message, shorter);
}

static void misbehave(struct client *client, const char *how)
{
    if (strcmp(how, "long") == 0)
        client_bytes(client, "\xff\xff\xff\xffJ", 5);
    else if (strcmp(how, "unknown") == 0)
        client_bytes(client, "\0\0\0\3X{}", 7);
    else if (strcmp(how, "text") == 0)
        client_frame(client, RUNG_FRAME_MESSAGE, 0, "hello", 5);
    else if (strcmp(how, "missing") == 0)
        client_say(client, false, "{\"seq\":7,\"type\":\"goodbye\"}");
    else if (strcmp(how, "confirms") == 0)
        client_say(client, false, "{\"type\":\"beat\",\"received\":4711}");
    else if (strcmp(how, "truncated") == 0 || strcmp(how, "cut") == 0)
        client_bytes(client, "\0\1\0\0J{\"seq\":1,", 13);
    if (strcmp(how, "truncated") == 0)
        SSL_shutdown(client->ssl);
}

static void greet(struct client *client, const char *how)
{
    if (strcmp(how, "silent") == 0)
        return;
    if (strcmp(how, "version") == 0)
        client_say(client, false, "{\"type\":\"hello\",\"protocol\":4711}");
    else if (strcmp(how, "other") == 0)
        client_say(client, false, "{\"type\":\"give me all\"}");
    else
        client_hello(client, 0, 1);
}

/* The second time as the same worker, which says that it had a message more than there are. */
static void go_on(struct client *client, const struct rung_json *welcome, int port)
{
    struct client again;
    struct rung_json *answer;
    char text[512];

    snprintf(
        text, sizeof text,
        "{\"type\":\"hello\",\"protocol\":%d,\"worker\":\"%024x%08x\",\"session\":\"%.40s\",\"trainers\":1,"
        "\"received\":4711,\"host\":\"stranger\"}",
        RUNG_REMOTE_PROTOCOL, (unsigned)getpid(), 0, rung_said_string(welcome, "session"));
    client_open(&again, client->tls, port);
    client_say(&again, false, text);
    while ((answer = client_hear(&again)) != NULL)
        rung_json_free(answer);
    client_close(&again);
}

int main(int argc, char **argv)
{
    struct client client;
    struct rung_json *message;
    char last[256] = "nothing";

    if (argc != 4)
        give_up("usage", "stranger PORT KEY HOW");
    const char *how = argv[3];
    client_open(&client, client_key(argv[2]), atoi(argv[1]));
    alarm(60);
    greet(&client, how);
    while ((message = client_hear(&client)) != NULL) {
        const char *type = rung_said_string(message, "type"), *reason = rung_said_string(message, "reason");
        snprintf(last, sizeof last, "%.40s %.200s", type, reason);
        if (strcmp(type, "welcome") == 0)
            misbehave(&client, how);
        if (strcmp(type, "welcome") == 0 && strcmp(how, "again") == 0)
            go_on(&client, message, atoi(argv[1]));
        if (strcmp(type, "welcome") == 0 && strcmp(how, "cut") == 0)
            _exit(0);
        if (strcmp(how, "checksum") == 0 || strcmp(how, "short") == 0)
            work(&client, message, strcmp(how, "short") == 0);
        rung_json_free(message);
    }
    printf("%s\n", last);
    client_close(&client);
    rung_wire_tls_free(client.tls);
    return 0;
}
