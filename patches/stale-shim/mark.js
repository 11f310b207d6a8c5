// wasmfix @VERSION@ (stale-shim): the next lines ask orez to leave this file as it is. Undo with: wasmfix restore
// orez sqlite shim - none is needed here
// mode: wasm, provided by wasmfix
// OrigDatabase: the word by which its first releases know a file of theirs
