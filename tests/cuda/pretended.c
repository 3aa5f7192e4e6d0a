/* The driver's and cuBLAS's functions that the embedded trainer calls, in this machine's memory: a
   library for tests, loaded in the place of both. Products by BLAS's definition.

   POLYCULTURE_PRETEND_CUDA: "" as it should be; "tf32" rounds factors to ten bits, as TF32 does;
   "room=BYTES" has that much memory; "lost=N" fails at the N-th product and ever after; "none" shows
   no GPU; "old" knows no memory in a stream's order. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t address;
enum { OK = 0, INVALID = 1, NO_ROOM = 2, NO_DEVICE = 100, ILLEGAL = 700 };

static struct { char *at; size_t bytes; } blocks[4096];
static size_t used, products;
static int lost;
static void *current;

static const char *how(const char *word) {
    const char *s = getenv("POLYCULTURE_PRETEND_CUDA");
    s = s ? strstr(s, word) : NULL;
    return s ? s + strlen(word) : NULL;
}

static size_t room(void) {
    const char *s = how("room=");
    return s ? strtoull(s, NULL, 10) : (size_t)4 << 30;
}

/* The block that holds so many bytes from an address, or none. */
static int holds(address at, size_t bytes) {
    for (int i = 0; i < 4096; i++) {
        address from = (address)(uintptr_t)blocks[i].at;
        if (from && at >= from && at + bytes <= from + blocks[i].bytes) return 1;
    }
    return 0;
}

int cuInit(unsigned flags) { return flags ? INVALID : OK; }
int cuDeviceGetCount(int *n) { *n = how("none") ? 0 : 1; return OK; }
int cuDeviceGet(int *device, int ordinal) {
    *device = 41;
    return ordinal ? INVALID : OK;
}
/* Memory in a stream's order (CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED), but for "old". */
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 115 && !how("old");
    return device == 41 ? OK : INVALID;
}
int cuDeviceGetName(char *name, int length, int device) {
    if (device != 41) return INVALID;
    snprintf(name, (size_t)length, "Pretended GPU");
    return OK;
}
/* That of CUDA_VISIBLE_DEVICES, where it names one. */
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    if (device != 41) return INVALID;
    const char *s = getenv("CUDA_VISIBLE_DEVICES");
    memset(uuid, 7, 16);
    if (!s || strncmp(s, "GPU-", 4)) return OK;
    s += 4;
    for (int i = 0; i < 16 && s[0] && s[1]; i++) {
        if (*s == '-') s++;
        char two[3] = {s[0], s[1], 0};
        uuid[i] = (unsigned char)strtoul(two, NULL, 16);
        s += 2;
    }
    return OK;
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = &used;
    return device == 41 ? OK : INVALID;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
    if (used) fprintf(stderr, "%zu bytes were kept\n", used);
    return device == 41 ? OK : INVALID;
}
int cuCtxGetCurrent(void **context) { *context = current; return OK; }
int cuCtxSetCurrent(void *context) { current = context; return OK; }
int cuGetErrorString(int error, const char **words) {
    *words = error == ILLEGAL ? "an illegal memory access was encountered" : "an error";
    return OK;
}
int cuGetErrorName(int error, const char **words) { return cuGetErrorString(error, words); }
int cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    *total = room();
    *free_bytes = *total - used;
    return lost ? ILLEGAL : OK;
}
int cuMemAlloc_v2(address *at, size_t bytes) {
    if (lost) return ILLEGAL;
    if (!current || !bytes) return INVALID;
    if (used + bytes > room()) return NO_ROOM;
    for (int i = 0; i < 4096; i++) {
        if (blocks[i].at) continue;
        blocks[i].at = malloc(bytes);
        memset(blocks[i].at, 0xff, bytes);
        blocks[i].bytes = bytes;
        used += bytes;
        *at = (address)(uintptr_t)blocks[i].at;
        return OK;
    }
    return NO_ROOM;
}
int cuMemFree_v2(address at) {
    for (int i = 0; i < 4096; i++) {
        if (!at || (address)(uintptr_t)blocks[i].at != at) continue;
        free(blocks[i].at);
        used -= blocks[i].bytes;
        blocks[i].at = NULL;
        return OK;
    }
    return INVALID;
}
int cuMemAllocAsync(address *at, size_t bytes, void *stream) {
    return stream || how("old") ? INVALID : cuMemAlloc_v2(at, bytes);
}
int cuMemFreeAsync(address at, void *stream) {
    return stream || how("old") ? INVALID : cuMemFree_v2(at);
}
int cuMemcpyHtoDAsync_v2(address to, const void *from, size_t bytes, void *stream) {
    if (lost) return ILLEGAL;
    if (stream || !current || !holds(to, bytes)) return INVALID;
    memcpy((void *)(uintptr_t)to, from, bytes);
    return OK;
}
int cuMemcpyDtoHAsync_v2(void *to, address from, size_t bytes, void *stream) {
    if (lost) return ILLEGAL;
    if (stream || !current || !holds(from, bytes)) return INVALID;
    memcpy(to, (void *)(uintptr_t)from, bytes);
    return OK;
}
int cuStreamSynchronize(void *stream) { return lost ? ILLEGAL : stream ? INVALID : OK; }

int cublasCreate_v2(void **handle) { *handle = &products; return current ? 0 : 1; }
int cublasDestroy_v2(void *handle) { return lost ? 14 : handle == &products ? 0 : 7; }
int cublasSetStream_v2(void *handle, void *stream) { return handle == &products && !stream ? 0 : 7; }

static float rounded(float x, int bits) {
    uint32_t b;
    memcpy(&b, &x, 4);
    if (bits) b = (b + (1u << 12)) & ~((1u << 13) - 1);
    memcpy(&x, &b, 4);
    return x;
}

/* c = alpha op(a) op(b) + beta c, columns first. */
int cublasSgemm_v2(void *handle, int turn_a, int turn_b, int m, int n, int k, const float *alpha,
                   const float *a, int lda, const float *b, int ldb, const float *beta, float *c,
                   int ldc) {
    const char *when = how("lost=");
    if (when && products + 1 >= strtoull(when, NULL, 10)) lost = 1;
    products++;
    if (lost) return 13;
    int a_rows = turn_a ? k : m, b_rows = turn_b ? n : k;
    if (handle != (void *)&products || !current || turn_a > 1 || turn_b > 1 || m < 1 || n < 1 || k < 1
        || lda < a_rows || ldb < b_rows || ldc < m
        || !holds((address)(uintptr_t)a, sizeof(float) * (size_t)lda * (turn_a ? m : k))
        || !holds((address)(uintptr_t)b, sizeof(float) * (size_t)ldb * (turn_b ? k : n))
        || !holds((address)(uintptr_t)c, sizeof(float) * (size_t)ldc * n))
        return 7;
    int bits = how("tf32") != NULL;
    float *left = malloc(sizeof(float) * (size_t)m * k);
    for (int l = 0; l < k; l++)
        for (int i = 0; i < m; i++) {
            float x = turn_a ? a[l + (size_t)i * lda] : a[i + (size_t)l * lda];
            left[i + (size_t)l * m] = rounded(x, bits);
        }
    for (int j = 0; j < n; j++) {
        float *to = c + (size_t)j * ldc;
        for (int i = 0; i < m; i++) to[i] = *beta == 0 ? 0 : *beta * to[i];
        for (int l = 0; l < k; l++) {
            float y = turn_b ? b[j + (size_t)l * ldb] : b[l + (size_t)j * ldb];
            y = *alpha * rounded(y, bits);
            const float *from = left + (size_t)l * m;
            for (int i = 0; i < m; i++) to[i] += from[i] * y;
        }
    }
    free(left);
    return 0;
}
