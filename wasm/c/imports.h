/*
** What the engine asks of its host, module `env`. Addresses are i32, file
** offsets and sizes f64 (exact to 2^53), codes are SQLite's.
*/
#ifndef WASMFIX_IMPORTS_H
#define WASMFIX_IMPORTS_H

#include <stdint.h>

#define WF_IMPORT(name) __attribute__((import_module("env"), import_name(#name))) extern

/* Files: the methods of sqlite3_vfs and sqlite3_io_methods (sqlite.org/vfs.html). */
WF_IMPORT(vfs_open) int32_t wf_vfs_open(const char *name, int32_t flags, int32_t *outFlags, int32_t *characteristics); /* id > 0, or -code */
WF_IMPORT(vfs_close) int32_t wf_vfs_close(int32_t file);
WF_IMPORT(vfs_read) int32_t wf_vfs_read(int32_t file, void *to, int32_t bytes, double offset);
WF_IMPORT(vfs_write) int32_t wf_vfs_write(int32_t file, const void *from, int32_t bytes, double offset);
WF_IMPORT(vfs_truncate) int32_t wf_vfs_truncate(int32_t file, double size);
WF_IMPORT(vfs_sync) int32_t wf_vfs_sync(int32_t file, int32_t flags);
WF_IMPORT(vfs_size) int32_t wf_vfs_size(int32_t file, double *size);
WF_IMPORT(vfs_lock) int32_t wf_vfs_lock(int32_t file, int32_t level);
WF_IMPORT(vfs_unlock) int32_t wf_vfs_unlock(int32_t file, int32_t level);
WF_IMPORT(vfs_check_reserved) int32_t wf_vfs_check_reserved(int32_t file, int32_t *reserved);
WF_IMPORT(vfs_has_moved) int32_t wf_vfs_has_moved(int32_t file);
WF_IMPORT(vfs_shm_map) int32_t wf_vfs_shm_map(int32_t file, int32_t region, int32_t bytes, int32_t extend, void **address);
WF_IMPORT(vfs_shm_lock) int32_t wf_vfs_shm_lock(int32_t file, int32_t offset, int32_t slots, int32_t flags);
WF_IMPORT(vfs_shm_barrier) void wf_vfs_shm_barrier(int32_t file);
WF_IMPORT(vfs_shm_unmap) int32_t wf_vfs_shm_unmap(int32_t file, int32_t deleteFlag);
WF_IMPORT(vfs_delete) int32_t wf_vfs_delete(const char *name, int32_t syncDirectory);
WF_IMPORT(vfs_access) int32_t wf_vfs_access(const char *name, int32_t flags, int32_t *result);
WF_IMPORT(vfs_full_path) int32_t wf_vfs_full_path(const char *name, int32_t bytes, char *out);
WF_IMPORT(vfs_last_error) int32_t wf_vfs_last_error(void);

/* The machine. */
WF_IMPORT(randomness) int32_t wf_randomness(int32_t bytes, void *out);
WF_IMPORT(sleep) void wf_sleep(int32_t microseconds);
WF_IMPORT(now) double wf_now(void); /* milliseconds since 1970, UTC */
WF_IMPORT(local_time) int32_t wf_local_time(double seconds, int32_t *out); /* sec min hour mday mon year wday yday isdst */

/* The user's code. Non-zero: it threw, the host keeps the exception. */
WF_IMPORT(log_statement) int32_t wf_log_statement(void *stmt);
WF_IMPORT(function_call) int32_t wf_function_call(int32_t function, int32_t argc, void *args, void *result);
WF_IMPORT(function_destroy) void wf_function_destroy(int32_t function);
WF_IMPORT(aggregate_step) int32_t wf_aggregate_step(int32_t function, int32_t *state, int32_t argc, void *args, int32_t inverse);
WF_IMPORT(aggregate_value) int32_t wf_aggregate_value(int32_t function, int32_t *state, int32_t isFinal, void *result);
WF_IMPORT(table_connect) int32_t wf_table_connect(int32_t module, int32_t argc, const char *const *argv, void *out);
WF_IMPORT(table_disconnect) void wf_table_disconnect(int32_t table);
WF_IMPORT(table_filter) int32_t wf_table_filter(int32_t table, int32_t cursor, int32_t given, int32_t argc, void *args); /* new cursor id > 0; 0: no rows; -1: threw */
WF_IMPORT(table_next) int32_t wf_table_next(int32_t cursor); /* 0: a row, 1: the end, -1: threw */
WF_IMPORT(table_column) int32_t wf_table_column(int32_t cursor, int32_t column, void *result);
WF_IMPORT(table_close) void wf_table_close(int32_t cursor);

#endif
