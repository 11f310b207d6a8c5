// wasmfix @VERSION@ (stale-shim): the next two lines ask orez to leave this file as it is. Undo with: wasmfix restore
// orez sqlite shim - none is needed here
// mode: wasm, provided by wasmfix
