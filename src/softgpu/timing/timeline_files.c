/* SPDX-License-Identifier: Apache-2.0
 * The formats: Chrome's trace events, where a cycle is written as a microsecond; SVG. */
#include "timeline_files.h"

#include <ptx/forms.h>

#include "counts.h"

typedef long long ll;

/* Names of kernels hold letters, digits, _, $ and %: nothing to be quoted in either format. */
void gpu_timeline_perfetto(const gpu_replay *r, const char *kernel, int32_t warps, pgd_text *out) {
    pgd_text_add(out, "{\"displayTimeUnit\": \"ns\", \"otherData\": {\"kernel\": \"%s\", \"model\": \"uncalibrated; 1 us stands for 1 cycle\"}, \"traceEvents\": [\n", kernel);
    pgd_text_add(out, "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 1, \"args\": {\"name\": \"one multiprocessor (uncalibrated model)\"}}");
    for (int32_t w = 0; w < warps; w++) pgd_text_add(out, ",\n{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": 1, \"tid\": %d, \"args\": {\"name\": \"warp %d\"}}", w, w);
    for (int32_t k = 0; k < r->count; k++) {
        const gpu_issue *i = &r->issues[k];
        if (i->waited > 0) pgd_text_add(out, ",\n{\"name\": \"waits for %s\", \"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %lld, \"dur\": %lld, \"args\": {\"line\": %d, \"source_line\": %d}}", gpu_wait_names[i->why], i->warp, (ll)(i->cycle - i->waited), (ll)i->waited,
                                         i->instruction->place.line, i->instruction->source_line);
        pgd_text_add(out, ",\n{\"name\": \"%s\", \"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %lld, \"dur\": 1, \"args\": {\"line\": %d, \"source_line\": %d}}", ptx_form_get(i->instruction->form)->opcode, i->warp, (ll)i->cycle, i->instruction->place.line,
                     i->instruction->source_line);
    }
    pgd_text_add(out, "\n]}\n");
}

/* ---- the picture ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

enum { LEFT = 70, WIDTH = 1200, ROW = 10, TOP = 64, CHART = 150 };

static const char *wait_colour(gpu_wait why) {
    static const char *const colours[GPU_WAITS] = {"#f4f4f4", "#fde8b0", "#f4b6a8", "#a8d8ea", "#ffd28a", "#d9c6ee", "#e3e3e3"};
    return colours[why];
}

static const char *issue_colour(const ptx_instruction *i) {
    switch (gpu_class_of(i)) {
    case GPU_CLASS_LOAD: case GPU_CLASS_STORE: case GPU_CLASS_ATOMIC: case GPU_CLASS_COPY: return "#c0392b";
    case GPU_CLASS_MATRIX: return "#7d3c98";
    case GPU_CLASS_F32: case GPU_CLASS_F64: case GPU_CLASS_HALF: case GPU_CLASS_SPECIAL: return "#1f618d";
    case GPU_CLASS_BARRIER: return "#6c3483";
    default: return "#2e8b57";
    }
}

static void legend(pgd_text *out) {
    static const struct {
        const char *colour, *text;
    } of[] = {{"#1f618d", "floating point"}, {"#2e8b57", "integer, control"}, {"#c0392b", "memory"}, {"#7d3c98", "matrix"}, {"#f4b6a8", "waits for memory"}, {"#a8d8ea", "for shared memory"}, {"#fde8b0", "for a result"}, {"#d9c6ee", "for a barrier"}, {"#ffd28a", "for a pipe"}, {"#e3e3e3", "for its turn"}};
    int32_t x = LEFT;
    for (size_t k = 0; k < sizeof of / sizeof of[0]; k++, x += 122)
        pgd_text_add(out, "<rect x=\"%d\" y=\"40\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"49\">%s</text>\n", x, of[k].colour, x + 14, of[k].text);
}

static void rows(const gpu_replay *r, int32_t warps, int64_t shown, pgd_text *out) {
    double scale = (double)WIDTH / (double)shown;
    for (int32_t w = 0; w < warps; w++) pgd_text_add(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">warp %d</text>\n", LEFT - 6, TOP + w * ROW + 8, w);
    for (int32_t k = 0; k < r->count; k++) {
        const gpu_issue *i = &r->issues[k];
        int32_t y = TOP + i->warp * ROW;
        int64_t begun = i->cycle - i->waited, end = i->cycle < shown ? i->cycle : shown; /* a wait may go on beyond what is shown */
        if (begun < end && i->why != GPU_WAIT_NONE)
            pgd_text_add(out, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n", LEFT + (double)begun * scale, y + 1, (double)(end - begun) * scale, ROW - 2, wait_colour(i->why));
        if (i->cycle >= shown) continue;
        pgd_text_add(out, "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>\n", LEFT + (double)i->cycle * scale, y + 1, scale > 0.6 ? scale : 0.6, ROW - 2, issue_colour(i->instruction));
    }
}

static void chart(const gpu_throughput *t, int32_t count, int32_t top, pgd_text *out) {
    double most = 0;
    for (int32_t k = 0; k < count; k++)
        if (t[k].cycles > 0 && (double)t[k].instructions / (double)t[k].cycles > most) most = (double)t[k].instructions / (double)t[k].cycles;
    pgd_text_add(out, "<text x=\"%d\" y=\"%d\">instructions a cycle, by how many warps are resident (of 4 that could be issued)</text>\n", LEFT, top + 14);
    for (int32_t k = 0; k < count && most > 0; k++) {
        double rate = t[k].cycles > 0 ? (double)t[k].instructions / (double)t[k].cycles : 0, height = rate / most * (CHART - 50);
        int32_t x = LEFT + k * 48;
        pgd_text_add(out, "<rect x=\"%d\" y=\"%.1f\" width=\"34\" height=\"%.1f\" fill=\"#1f618d\"/><text x=\"%d\" y=\"%.1f\">%.2f</text><text x=\"%d\" y=\"%d\">%d</text>\n", x, top + CHART - 16 - height, height, x, top + CHART - 19 - height, rate, x, top + CHART - 2, t[k].warps);
    }
}

void gpu_timeline_svg(const gpu_replay *r, const char *kernel, int32_t warps, const gpu_throughput *throughput, int32_t throughput_count, bool cut, pgd_text *out) {
    int64_t shown = r->count > 0 ? r->issues[r->count - 1].cycle + 1 : 1;
    if (shown > 2 * WIDTH) shown = 2 * WIDTH;
    int32_t chart_top = TOP + warps * ROW + 30, height = chart_top + CHART + 10;
    pgd_text_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"9\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n", LEFT + WIDTH + 20, height, LEFT + WIDTH + 20, height);
    pgd_text_add(out, "<text x=\"%d\" y=\"24\" font-size=\"14\">%s: %d warps on one multiprocessor, the first %lld of %lld cycles (uncalibrated model)%s</text>\n", LEFT, kernel, warps, (ll)shown, (ll)r->cycles, cut ? "; the recording was cut, the launch goes on" : "");
    legend(out);
    rows(r, warps, shown, out);
    pgd_text_add(out, "<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">cycle %lld</text>\n", LEFT, TOP + warps * ROW + 12, LEFT + WIDTH, TOP + warps * ROW + 12, (ll)shown);
    chart(throughput, throughput_count, chart_top, out);
    pgd_text_add(out, "</svg>\n");
}
