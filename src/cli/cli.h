/* SPDX-License-Identifier: Apache-2.0
 * The command's frame: global options, verbs, exit codes. */
#ifndef CLI_H
#define CLI_H

#include <pagoda/pagoda.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli_error.h"

struct term_progress;

/* Every verb: X(function, words, one line, options, two examples). Help, dispatch and the tests derive from it. */
#define CLI_VERB_LIST(X)                                                                                                                     \
    X(demo, "demo", "train on built-in digits, save, load and classify: the whole tower in under a minute", "",                                \
      "pagoda demo\npagoda demo --threads 1")                                                                                                \
    X(vision_train, "vision train", "train an image recogniser",                                                                            \
      "  --data FOLDER|builtin    IDX files (MNIST, Fashion-MNIST) or CIFAR-10's binary ones, plain or .gz;\n"                               \
      "                           or a folder of PNG, JPEG, PGM or PPM pictures for each class, in train/ and test/\n"                        \
      "                           or side by side, of which a fifth is then kept for tests; or digits drawn here\n"                           \
      "  --size N|HxW             what one's own pictures are brought to, each side 4 to 512 (32)\n"                                                             \
      "  --net mlp|cnn|resnet     the network (cnn)\n"                                                                                       \
      "  --epochs N               passes over the training pictures (8; of one's own, few ones: up to 60)\n"                                  \
      "  --max-steps N            stop after so many batches; with --resume after as many as were done: write the model\n"                   \
      "  --batch N                pictures per step (128; of one's own: a 32nd of them where that is less, at least 8)\n"                    \
      "  --seed S                 of weights, order and augmentation (0)\n"                                                                  \
      "  --rate R                 highest learning rate (0.1; of one's own: less as the batch is)\n"                                                                             \
      "  --augment LIST           change training pictures each time: crop,flip,cutout,rotate or none\n"                                     \
      "                           (colour pictures: crop,flip; grey ones: none)\n"                                                           \
      "  --shift N                move training pictures by up to N pixels, 0 to 8 (2 for grey ones without --augment, else 0)\n"                    \
      "  --loader-threads N       that prepare pictures; the result is the same for any (1)\n"                                               \
      "  --holdout N              measure on the last N training pictures, not on the test pictures\n"                                       \
      "  --out FILE               where the model goes; checkpoints go to FILE.ckpt/ and stay there\n"                                       \
      "  --checkpoint-every N     steps between checkpoints (200)\n"                                                                         \
      "  --resume                 go on from the checkpoint, to the same bytes\n",                                                           \
      "pagoda vision train --data builtin --out digits.safetensors\npagoda vision train --data pets --size 48 --net resnet --augment crop,flip,cutout --out pets.safetensors")              \
    X(vision_eval, "vision eval", "measure a recogniser on the test images of a data set",                                                   \
      "  --model FILE             written by vision train\n  --data FOLDER|builtin    its test pictures are used, made grey or colour as the model wants\n", \
      "pagoda vision eval --model mnist.safetensors --data mnist\npagoda vision eval --model digits.safetensors --data builtin --json")                               \
    X(vision_classify, "vision classify", "say what is on PNG, JPEG, PGM or PPM pictures; with --quiet one line each",                 \
      "  --model FILE             written by vision train\n",                                                                                \
      "pagoda vision classify --model digits.safetensors seven.png\npagoda vision classify --model digits.safetensors --json a.pgm b.jpg")                            \
    X(vision_export, "vision export", "write a recogniser as an ONNX model",                                                                  \
      "  --model FILE             written by vision train\n  --out FILE               where the model goes\n",                              \
      "pagoda vision export --model digits.safetensors --out digits.onnx\npagoda vision export --model m.safetensors --out m.onnx --json")   \
    X(vision_draw, "vision draw", "write pictures of the built-in digits as PGM files, named digit-NUMBER-LABEL.pgm",                          \
      "  --out-dir FOLDER         made if it is not there\n  --count N                how many (10)\n  --seed S                 of the set (3)\n", \
      "pagoda vision draw --count 10 --out-dir pictures\npagoda vision draw --seed 7 --count 3 --out-dir pictures")                                                   \
    X(text_train, "text train", "train a small GPT on the bytes of a text; the last tenth is kept to measure on",                            \
      "  --data FILE              a text, plain or .gz; or a folder with input.txt in it\n"                                                  \
      "  --layers N, --width N, --heads N    of the network (4, 256, 4)\n"                                                                  \
      "  --context N              bytes it looks back (128)\n"                                                                              \
      "  --batch N                windows per step (16)\n"                                                                                  \
      "  --epochs N               times the text is gone through (6)\n"                                                                     \
      "  --max-steps N            stop after so many batches; with --resume after as many as were done: write the model\n"                  \
      "  --optimizer adamw|muon|lion    (adamw)\n"                                                                                          \
      "  --rate R                 highest learning rate (0.001)\n"                                                                          \
      "  --dropout P              (0)\n"                                                                                                    \
      "  --seed S                 of weights, order and dropout (0)\n"                                                                      \
      "  --out FILE               where the model goes; checkpoints go to FILE.ckpt/ and stay there\n"                                      \
      "  --checkpoint-every N     steps between checkpoints (200)\n"                                                                        \
      "  --resume                 go on from the checkpoint, to the same bytes\n",                                                          \
      "pagoda text train --data shakespeare.txt --out bard.safetensors\npagoda text train --data book.txt.gz --layers 6 --epochs 3 --out book.safetensors --json") \
    X(text_generate, "text generate", "continue a prompt, byte by byte",                                                                     \
      "  --model FILE             written by text train\n"                                                                                  \
      "  --prompt TEXT            what it begins with (a new line)\n"                                                                       \
      "  --length N               bytes to add (500)\n"                                                                                     \
      "  --temperature T          above 0: more surprising; 0: always the likeliest (0.8)\n"                                                \
      "  --top-k K                only the K likeliest, 1 to 256 (all)\n"                                                                             \
      "  --top-p P                only the likeliest that together have probability P (1)\n"                                                \
      "  --seed S                 the same seed, the same text (0)\n",                                                                      \
      "pagoda text generate --model bard.safetensors --prompt \"ROMEO:\"\npagoda text generate --model bard.safetensors --length 200 --top-p 0.9 --json") \
    X(text_eval, "text eval", "measure how well a model predicts a text",                                                                    \
      "  --model FILE             written by text train\n  --data FILE              a text, plain or .gz; or a folder with input.txt in it\n",                               \
      "pagoda text eval --model bard.safetensors --data sonnets.txt\npagoda text eval --model bard.safetensors --data sonnets.txt --json")  \
    X(gpu_run, "gpu run", "run a program, and let it see a GPU made of software in place of an NVIDIA driver",                                  \
      "  --devices N              how many GPUs it sees, 1 to 16 (1)\n"                                                                     \
      "  --capability C           their compute capability: 7.5, 8.0, 8.6, 8.7, 8.9 or 9.0 (9.0)\n"                                         \
      "  --memory MIB             memory of each (4096)\n"                                                                                  \
      "  --executor NAME          vector, or reference: slow, one thread at a time (vector)\n"                                              \
      "  --seed S                 draw the order of streams, blocks, warps and threads: the same seed, the same order; one core (0: natural)\n" \
      "  --schedules N            run it N times, with seed S (1), S + 1 ..., until its exit status is not that of the first time\n"          \
      "  --limit M                a launch ends with an error after so many million instructions of its threads (1000000)\n"              \
      "  --timeout S              a launch ends with an error after so many seconds; 0: it may take for ever (0)\n"                         \
      "  --synchronous            each call of the driver returns when its work is done\n"                                                  \
      "  --fault LIST             what goes wrong on purpose: oom@N the Nth allocation, lost@N the device at the Nth launch,\n"               \
      "                           slow@MS every launch takes so long; with commas between\n"                                               \
      "  --force                  although this machine has a GPU with a driver\n"                                                          \
      "  -- PROGRAM [ARGUMENT]... what is run; what kernels do wrong is told on stderr, its exit status is passed on (126, 127: it\n" \
      "                           cannot be started). ^C says where a kernel is\n",                    \
      "pagoda gpu run -- ./vector_add\npagoda gpu run --devices 2 --seed 7 -- python train.py")                                                       \
    X(gpu_check, "gpu check", "run a program with a software GPU that looks for mistakes: accesses, barriers, races, refused calls",               \
      "  --uninitialised          look for reads of memory that nobody wrote, and of lanes that are not there, too (also\n"                                                        \
      "                           --uninitialized)\n"                                                         \
      "  --seed S                 draw the order of streams, blocks and threads, as for gpu run: the same seed finds the same (0: natural)\n" \
      "  --schedules N            run it N times, with seed S (1), S + 1 ..., until something is found or it ends otherwise; tells the seed\n"  \
      "  --devices N, --capability C, --memory MIB, --executor NAME, --limit M, --fault LIST, --synchronous, --force    as for gpu run\n" \
      "  --timeout S              as for gpu run (600)\n"                                              \
      "  -- PROGRAM [ARGUMENT]... what is run; slowly, on one core. What is found is told on stderr, and the exit\n"        \
      "                           status is then 1\n",                                                                                       \
      "pagoda gpu check --schedules 20 -- ./histogram kernels.ptx\npagoda gpu check --json --uninitialised -- ./reduce")                                     \
    X(gpu_profile, "gpu profile", "run a program with a software GPU that counts what its kernels do: exactly, and no times",                    \
      "  --devices N, --capability C, --memory MIB, --limit M, --timeout S, --fault LIST, --synchronous, --force    as for gpu run\n"                                              \
      "  -- PROGRAM [ARGUMENT]... what is run. Behind its own output come its kernels: occupancy, instructions, sectors, conflicts\n",       \
      "pagoda gpu profile -- ./tiled_matmul kernels.ptx\npagoda gpu profile --json -- ./reduce kernels.ptx")                                 \
    X(gpu_timeline, "gpu timeline", "draw how the warps of a launch share a multiprocessor, by a simple model that is not calibrated",         \
      "  --out-dir FOLDER         gets timeline.svg, timeline.json for Perfetto, summary.json\n"                                                             \
      "  --kernel NAME            whose first launch is drawn (the first of all)\n"                                                          \
      "  --devices N, --capability C, --memory MIB, --limit M, --timeout S, --fault LIST, --synchronous, --force    as for gpu run\n"                                              \
      "  -- PROGRAM [ARGUMENT]... what is run\n",                                                                                            \
      "pagoda gpu timeline --out-dir drawn -- ./tiled_matmul kernels.ptx\npagoda gpu timeline --kernel reduce --out-dir drawn -- ./reduce kernels.ptx")                                 \
    X(gpu_ptx, "gpu ptx", "read and check a file of PTX, and list its kernels", "",                                                          \
      "pagoda gpu ptx kernels.ptx\npagoda gpu ptx --json kernels.ptx")                                                                       \
    X(devices, "devices", "list the devices of this machine", "", "pagoda devices\npagoda devices --json")                                   \
    X(ops, "ops", "list the operations and the devices that have kernels for them", "", "pagoda ops\npagoda ops --json")                     \
    X(help, "help", "show the options of a verb and two examples", "", "pagoda help vision train\npagoda help vision")                       \
    X(version, "version", "print the version", "", "pagoda version\npagoda version --json")

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

enum { CLI_NOTICES = 32 };

struct cli {
    const char *program; /* as it was called */
    const char *device;  /* "auto", "cpu" */
    int threads;         /* 0: as many as there are */
    bool strict, json, quiet;
    const char *verb;    /* "vision train"; "VERB" while unknown */
    char **words;        /* what follows the verb, global options taken out */
    int word_count;
    struct cli_error error;
    struct term_progress *progress; /* whose line stands on stderr, or NULL */
    uint64_t noticed[CLI_NOTICES];  /* digests of the notices given */
    int notice_count;
};

/* ---- verbs ---------------------------------------------------------------------------------------------------------------------------------- */

typedef int cli_verb_fn(struct cli *cli);
#define X(function, words, line, options, examples) cli_verb_fn cli_##function;
CLI_VERB_LIST(X)
#undef X

#define X(function, words, line, options, examples) +1
enum { CLI_VERBS = 0 CLI_VERB_LIST(X) };
#undef X

struct cli_verb {
    const char *words, *line, *options, *examples;
    cli_verb_fn *run;
};
extern const struct cli_verb cli_verbs[CLI_VERBS];

/* The verb the words begin with, and how many of them it takes; NULL when there is none. */
const struct cli_verb *cli_verb_find(char **words, int count, int *used);

/* Whether a verb of several words begins with this one. */
bool cli_verb_family(const char *word);

/* cli->error says that the words name no verb; returns false. */
bool cli_verb_missing(struct cli *cli);

/* All verbs and the global options. */
void cli_overview(FILE *file);

/* ---- what is said beside the results: lines on stderr that begin with "pagoda: " ---------------------------------------------------------------- */

/* Prints the sentence of cli->error and returns the code. */
int cli_report(const struct cli *cli, int code);

/* Prints a notice, each text once, and none with --quiet. */
void cli_notice(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* cli->error takes the library's sentence; returns false. */
bool cli_fail_library(struct cli_error *error);

/* ---- options of a verb -------------------------------------------------------------------------------------------------------------------- */

enum cli_option_kind { CLI_FLAG, CLI_TEXT, CLI_INTEGER, CLI_NUMBER };

struct cli_option {
    const char *name; /* "--seed" */
    enum cli_option_kind kind;
    void *to;         /* bool, const char *, int64_t or double; keeps its default when the option is absent */
    int64_t lo, hi;   /* CLI_INTEGER: allowed range */
    bool *given;      /* set when the option was there; may be NULL */
};

/* Takes options, `--name value` or `--name=value`, out of cli->words; what is left, and all behind a `--`, are plain words.
 * False with a sentence (usage) on an unknown option, a missing or wrong value. */
bool cli_options(struct cli *cli, const struct cli_option *options, int option_count);

/* The same, but leaves unknown options and the `--` where they are. */
bool cli_global_options(struct cli *cli, const struct cli_option *options, int option_count);

/* False with a sentence (usage) when words are left. */
bool cli_no_words(struct cli *cli);

/* Opens the device the global options name. */
bool cli_open_device(struct cli *cli, pgd_device **out);

#endif
