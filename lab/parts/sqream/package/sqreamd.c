/* The gpu-metal lab's stand-in of SQream's services: it listens, and the master counts its workers. No database.
 *
 * usage: sqreamd master | worker | web; settings come by the environment, as the console sets them. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64, LINE = 256 };

static FILE *file;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

static void say(const char *format, ...) {
  FILE *outs[] = {stdout, file};
  for (int i = 0; i < 2; i++) {
    if (!outs[i]) continue;
    va_list words;
    va_start(words, format);
    vfprintf(outs[i], format, words);
    va_end(words);
    fputc('\n', outs[i]);
    fflush(outs[i]);
  }
}

#define DIE(...) (say("sqreamd: " __VA_ARGS__), exit(1))

static void end(int signal) {
  (void)signal;
  _exit(0);
}

static int listener(const char *port) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, MOST)) DIE("port %s: %s", port, strerror(errno));
  return fd;
}

/* One line without its end; 0 when the other side is gone or silent. */
static int line(int fd, char *text) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  for (int n = 0; n < LINE - 1; n++) {
    if (poll(&wait, 1, 2000) <= 0 || read(fd, text + n, 1) != 1) return 0;
    if (text[n] == '\n') return text[n] = 0, 1;
  }
  return 0;
}

/* JSON, as far as its form goes */

static const char *value(const char *at);

static const char *blank(const char *at) {
  while (at && isspace((unsigned char)*at)) at++;
  return at;
}

static const char *text(const char *at) {
  if (*at++ != '"') return NULL;
  for (; *at != '"'; at++)
    if (!*at || (*at == '\\' && !*++at)) return NULL;
  return at + 1;
}

static const char *members(const char *at, char last, int named) {
  if (*(at = blank(at + 1)) == last) return at + 1;
  for (;; at++) {
    at = blank(at);
    if (named && (!(at = blank(text(at))) || *at++ != ':')) return NULL;
    if (!(at = value(at))) return NULL;
    if (*at == last) return at + 1;
    if (*at != ',') return NULL;
  }
}

static const char *value(const char *at) {
  static const char *const words[] = {"true", "false", "null"};
  char *after;
  at = blank(at);
  if (*at == '{') return blank(members(at, '}', 1));
  if (*at == '[') return blank(members(at, ']', 0));
  if (*at == '"') return blank(text(at));
  for (int i = 0; i < 3; i++)
    if (!strncmp(at, words[i], strlen(words[i]))) return blank(at + strlen(words[i]));
  if (*at != '-' && !isdigit((unsigned char)*at)) return NULL;
  strtod(at, &after);
  return blank(after);
}

static void read_config(const char *path) {
  static char content[1 << 16];
  FILE *from = fopen(path, "r");
  if (!from) DIE("%s: %s", path, strerror(errno));
  content[fread(content, 1, sizeof content - 1, from)] = 0;
  fclose(from);
  const char *rest = value(content);
  if (!rest || *rest || *blank(content) != '{') DIE("%s: not JSON", path);
}

/* The master's own address stands in the storage, where the workers of its host find it. */
static void leave_address(void) {
  struct ifaddrs *all;
  char text[INET_ADDRSTRLEN];
  FILE *to = fopen(setting("ADDRESS_FILE"), "w");
  if (!to || getifaddrs(&all)) DIE("%s: %s", setting("ADDRESS_FILE"), strerror(errno));
  for (struct ifaddrs *i = all; i; i = i->ifa_next)
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK))
      fprintf(to, "%s:%s\n", inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text, sizeof text),
              setting("METADATA_PORT"));
  fclose(to);
}

/* A worker says who it is and stays connected; whoever asks the picker gets the number of workers and the version. */
static void master(void) {
  struct pollfd fds[MOST] = {{.fd = listener(setting("METADATA_PORT")), .events = POLLIN},
                             {.fd = listener(setting("PICKER_PORT")), .events = POLLIN}};
  char words[LINE], name[LINE], version[LINE];
  int n = 2, fd;
  leave_address();
  say("listening on ports %s,%s", setting("METADATA_PORT"), setting("PICKER_PORT"));
  for (;;) {
    if (poll(fds, n, -1) < 0) continue;
    for (int i = n - 1; i > 1; i--)
      if (fds[i].revents) close(fds[i].fd), fds[i] = fds[--n], say("a worker left, %d remain", n - 2);
    if (fds[1].revents && (fd = accept(fds[1].fd, NULL, NULL)) >= 0)
      dprintf(fd, "%d %s\n", n - 2, setting("VERSION")), close(fd);
    if (!fds[0].revents || (fd = accept(fds[0].fd, NULL, NULL)) < 0) continue;
    if (n < MOST && line(fd, words) && sscanf(words, "worker %255s %255s", name, version) == 2) {
      int same = !strcmp(version, setting("VERSION"));
      dprintf(fd, "%s %s\n", same ? "ok" : "refused", setting("VERSION"));
      say("worker %s of %s: %s", name, version, same ? "taken in" : "refused");
      if (same) {
        fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
        continue;
      }
    }
    close(fd);
  }
}

/* A connection to the master, or -1. */
static int join(char *at) {
  char words[LINE] = "", version[LINE] = "";
  strcpy(at, setting("MASTER"));
  FILE *from = strcmp(at, "local") ? NULL : fopen(setting("ADDRESS_FILE"), "r");
  if (from && fscanf(from, "%63s", at) != 1) strcpy(at, "local");
  if (from) fclose(from);
  char *port = strchr(at, ':');
  if (!port) return -1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port + 1))};
  *port = 0;
  inet_pton(AF_INET, at, &to.sin_addr);
  *port = ':';
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval patience = {.tv_sec = 2};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!connect(fd, (struct sockaddr *)&to, sizeof to)) {
    dprintf(fd, "worker %s %s\n", setting("NAME"), setting("VERSION"));
    if (line(fd, words) && sscanf(words, "ok %255s", version) == 1) return fd;
    if (sscanf(words, "refused %255s", version) == 1)
      DIE("master runs SQreamDB %s, this is %s", version, setting("VERSION"));
  }
  close(fd);
  return -1;
}

static void worker(void) {
  char at[LINE];
  int fd;
  if (strstr(setting("FAULT"), "worker")) DIE("out of memory (lab)");
  if (*setting("CONFIG")) read_config(setting("CONFIG"));
  struct pollfd fds[2] = {{.fd = -1, .events = POLLIN}, {.events = POLLIN}};
  int alone = !strcmp(setting("MASTER"), "none");
  for (int tries = 3; !alone && (fds[0].fd = join(at)) < 0; sleep(1))
    if (!--tries) DIE("no master at %s", at);
  fds[1].fd = listener(setting("PORT"));
  say("listening on port %s, gpu %s, master %s", setting("PORT"), setting("GPU"), alone ? "none" : at);
  for (;;) {
    poll(fds, 2, alone || fds[0].fd >= 0 ? -1 : 1000);
    if (fds[0].fd >= 0 && fds[0].revents) close(fds[0].fd), fds[0].fd = -1, say("the master is gone");
    else if (fds[0].fd < 0 && !alone && (fds[0].fd = join(at)) >= 0) say("the master is back");
    if (fds[1].revents && (fd = accept(fds[1].fd, NULL, NULL)) >= 0)
      dprintf(fd, "%d %s\n", fds[0].fd >= 0, setting("VERSION")), close(fd);
  }
}

static void web(void) {
  static const char answer[] = "The gpu-metal lab's stand-in of SQream's web interface. No database.\n";
  int fd, at = listener(setting("PORT"));
  char request[LINE];
  say("listening on port %s", setting("PORT"));
  for (;;) {
    if ((fd = accept(at, NULL, NULL)) < 0) continue;
    if (line(fd, request))
      dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
              sizeof answer - 1, answer);
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < MOST && line(fd, request); i++) {}
    close(fd);
  }
}

int main(int count, char **words) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  signal(SIGPIPE, SIG_IGN);
  if (*setting("LOG_FILE")) file = fopen(setting("LOG_FILE"), "a");
  if (strstr(setting("FAULT"), "slow")) sleep(10);
  const char *role = count > 1 ? words[1] : "";
  if (!strcmp(role, "master")) master();
  if (!strcmp(role, "worker")) worker();
  if (!strcmp(role, "web")) web();
  fprintf(stderr, "The gpu-metal lab's stand-in of SQream's services. usage: sqreamd master | worker | web\n");
  return 2;
}
