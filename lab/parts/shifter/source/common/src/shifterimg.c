/* shifterimg: asks the image gateway. The lab's stand-in; see README.md. */
#include "config.h"

#include "conf.h"

#include <curl/curl.h>
#include <json-c/json.h>
#include <munge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int verbose;

static size_t collect(char *part, size_t size, size_t n, void *whole) {
    char **text_of = whole;
    char *joined = text("%s%.*s", *text_of, (int)(size * n), part);
    free(*text_of);
    *text_of = joined;
    return size * n;
}

static struct curl_slist *credential(void) {
    char *made = NULL;
    munge_ctx_t context = munge_ctx_create();
    munge_err_t error = munge_encode(&made, context, NULL, 0);
    if (error != EMUNGE_SUCCESS) {
        fprintf(stderr, "FAILED to make a munge credential: %s\n", munge_ctx_strerror(context));
        exit(1);
    }
    struct curl_slist *headers = curl_slist_append(NULL, text("authentication: %s", made));
    free(made);
    munge_ctx_destroy(context);
    return headers;
}

static const char *string(json_object *from, const char *key) {
    json_object *value = NULL;
    if (!json_object_object_get_ex(from, key, &value)) return "";
    if (json_object_is_type(value, json_type_array))
        value = json_object_array_length(value) ? json_object_array_get_idx(value, 0) : NULL;
    return value ? json_object_get_string(value) : "";
}

/* The answer of one gateway: NULL when it is not reached; the program ends when it refuses. */
static json_object *ask(const struct conf *conf, const char *url, const char *path, int post) {
    CURL *curl = curl_easy_init();
    char *said = text("%s", ""), *address = text("%s/api/%s", url, path);
    const char *limit = conf_get(conf, "gatewayTimeout");
    long status = 0;
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, credential());
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &said);
    if (post) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "{}");
    if (limit) curl_easy_setopt(curl, CURLOPT_TIMEOUT, strtol(limit, NULL, 10));
    CURLcode error = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (error != CURLE_OK) {
        fprintf(stderr, "FAILED to contact the image gateway %s: %s\n", url, curl_easy_strerror(error));
        return NULL;
    }
    if (verbose) printf("Message: %s\n", said);
    json_object *answer = json_tokener_parse(said);
    if (status == 200 && answer) return answer;
    fprintf(stderr, "The image gateway %s refused: %s (%s)\n", url, answer ? string(answer, "message") : said,
            answer ? string(answer, "error") : "no JSON");
    exit(1);
}

static json_object *ask_any(const struct conf *conf, const char *path, int post) {
    char **urls = words(conf_get(conf, "imageGateway"), " ");
    if (!*urls) fprintf(stderr, "\"imageGateway\" is not defined\n");
    for (; *urls; urls++) {
        json_object *answer = ask(conf, *urls, path, post);
        if (answer) return answer;
    }
    exit(1);
}

static char *moment(const char *format, time_t at) {
    char shown[64];
    strftime(shown, sizeof shown, format, localtime(&at));
    return text("%s", shown);
}

static int images(const struct conf *conf) {
    json_object *answer = ask_any(conf, text("list/%s/", conf_get(conf, "system")), 0), *list = NULL;
    if (!json_object_object_get_ex(answer, "list", &list)) return 1;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *it = json_object_array_get_idx(list, i);
        time_t pulled = (time_t)strtod(string(it, "last_pull"), NULL);
        printf("%-10s %-10s %-8s %.10s   %s %-30s\n", string(it, "system"), string(it, "itype"), string(it, "status"),
               string(it, "id"), moment("%Y-%m-%dT%H:%M:%S", pulled), string(it, "tag"));
    }
    return 0;
}

static int pull(const struct conf *conf, const char *path, const char *image) {
    for (;; sleep(1)) {
        json_object *answer = ask_any(conf, path, 1);
        const char *status = string(answer, "status");
        printf("%s Pulling Image: %s, status: %s\n", moment("%Y-%m-%dT%H:%M:%S", time(NULL)), image, status);
        fflush(stdout);
        if (strcmp(status, "READY") == 0) return 0;
        if (strcmp(status, "FAILURE") != 0) continue;
        fprintf(stderr, "%s\n", string(answer, "status_message"));
        return 1;
    }
}

/* TYPE/NAME of TYPE:NAME, or of NAME with defaultImageType. */
static char *place(const struct conf *conf, const char *image) {
    const char *usual = conf_get(conf, "defaultImageType");
    if (strncmp(image, "docker:", 7) == 0 || strncmp(image, "custom:", 7) == 0)
        return text("%.6s/%s", image, image + 7);
    return usual ? text("%s/%s", usual, image) : NULL;
}

static int usage(int status) {
    fprintf(status ? stderr : stdout, "Usage: shifterimg [-h|-v] images | lookup TYPE:TAG | pull TYPE:TAG\n"
                                      "  This is the gpu-metal lab's stand-in of shifterimg " PACKAGE_VERSION ".\n");
    return status;
}

int main(int argc, char **argv) {
    struct conf conf;
    int option;
    while ((option = getopt(argc, argv, "+hv")) != -1) {
        if (option != 'v') return usage(option == 'h' ? 0 : 1);
        verbose = 1;
    }
    const char *mode = argv[optind] ?: "", *image = argc > optind + 1 ? argv[optind + 1] : NULL;
    int list = strcmp(mode, "images") == 0, look = strcmp(mode, "lookup") == 0;
    if (!list && ((!look && strcmp(mode, "pull") != 0) || !image)) return usage(1);
    if (conf_read(CONFIG_FILE, &conf) != 0) return 1;
    if (!conf_get(&conf, "system")) {
        fprintf(stderr, "\"system\" is not defined\n");
        return 1;
    }
    if (list) return images(&conf);
    char *at = place(&conf, image);
    if (!at) {
        fprintf(stderr, "Image type is missing, and defaultImageType is not set: %s\n", image);
        return 1;
    }
    char *path = text("%s/%s/%s/", mode, conf_get(&conf, "system"), at);
    if (!look) return pull(&conf, path, image);
    printf("%s\n", string(ask_any(&conf, path, 0), "id"));
    return 0;
}
