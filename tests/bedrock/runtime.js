// What Emscripten puts around --pre-js and --js-library, as far as the fixture uses it: memory, strings, cwrap, the
// function table, and loading the wasm file. PRE, LIBRARY, IMPORTS and EXPORTS are filled in by bundle.mjs.
var Module = typeof Module != 'undefined' ? Module : {};
var ENVIRONMENT_IS_NODE = true;
PRE;
var scriptDirectory = '';
function locateFile(path) {
  return Module['locateFile'] ? Module['locateFile'](path, scriptDirectory) : scriptDirectory + path;
}
if (ENVIRONMENT_IS_NODE) {
  var fs = require('node:fs');
  scriptDirectory = __dirname + '/';
  if (typeof module != 'undefined') {
    module['exports'] = Module;
  }
}
var HEAP8, HEAPU8, HEAP16, HEAP32, HEAPU32, HEAPF64, HEAP64;
function updateMemoryViews() {
  var b = wasmMemory.buffer;
  HEAP8 = new Int8Array(b);
  HEAPU8 = new Uint8Array(b);
  HEAP16 = new Int16Array(b);
  HEAP32 = new Int32Array(b);
  HEAPU32 = new Uint32Array(b);
  HEAPF64 = new Float64Array(b);
  HEAP64 = new BigInt64Array(b);
}
var wasmBinaryFile;
function findWasmBinary() {
  return locateFile('sqlite3.wasm');
}
// zig's C library grows the memory by itself, which detaches the views; Emscripten's asks JavaScript to do it.
var current = func => (...args) => {
  if (!HEAPU8.length) updateMemoryViews();
  var ret = func(...args);
  if (!HEAPU8.length) updateMemoryViews();
  return ret;
};
var allCurrent = object =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, typeof value == 'function' ? current(value) : value]));
function getWasmImports() {
  return { env: allCurrent(wasmImports) };
}
function createWasm() {
  wasmBinaryFile ??= findWasmBinary();
  var wasm = new WebAssembly.Module(fs.readFileSync(wasmBinaryFile));
  return receiveInstance(new WebAssembly.Instance(wasm, getWasmImports()));
}
function receiveInstance(instance) {
  wasmExports = allCurrent(instance.exports);
  assignWasmExports(wasmExports);
  updateMemoryViews();
  return wasmExports;
}
function getValue(ptr, type = 'i8') {
  switch (type) {
    case 'i8':
      return HEAP8[ptr];
    case 'i32':
      return HEAP32[ptr >> 2];
    case 'i64':
      return HEAP64[ptr >> 3];
    case 'double':
      return HEAPF64[ptr >> 3];
    case '*':
      return HEAPU32[ptr >> 2];
  }
}
function setValue(ptr, value, type = 'i8') {
  switch (type) {
    case 'i8':
      HEAP8[ptr] = value;
      break;
    case 'i32':
      HEAP32[ptr >> 2] = value;
      break;
    case 'i64':
      HEAP64[ptr >> 3] = BigInt(value);
      break;
    case 'double':
      HEAPF64[ptr >> 3] = value;
      break;
    case '*':
      HEAPU32[ptr >> 2] = value;
      break;
  }
}
var stackSave = () => stackPointer.value;
var stackRestore = val => {
  stackPointer.value = val;
};
var stackAlloc = sz => (stackPointer.value = (stackPointer.value - sz) & -16);
var _emscripten_date_now = () => Date.now();
var UTF8Decoder = new TextDecoder();
var UTF8Encoder = new TextEncoder();
var UTF8ToString = ptr => {
  if (!ptr) return '';
  return UTF8Decoder.decode(HEAPU8.subarray(ptr, HEAPU8.indexOf(0, ptr)));
};
var lengthBytesUTF8 = str => Buffer.byteLength(str);
var stringToUTF8 = (str, outPtr, maxBytesToWrite) => {
  var { written } = UTF8Encoder.encodeInto(str, HEAPU8.subarray(outPtr, outPtr + maxBytesToWrite - 1));
  HEAPU8[outPtr + written] = 0;
  return written;
};
LIBRARY;
var getCFunc = ident => {
  var func = Module['_' + ident];
  return func;
};
var stringToUTF8OnStack = str => {
  var size = lengthBytesUTF8(str) + 1;
  var ret = stackAlloc(size);
  stringToUTF8(str, ret, size);
  return ret;
};
var ccall = (ident, returnType, argTypes, args) => {
  var func = getCFunc(ident);
  var stack = stackSave();
  var cArgs = args.map((arg, i) => (argTypes[i] === 'string' && arg ? stringToUTF8OnStack(arg) : arg));
  var ret = func(...cArgs);
  stackRestore(stack);
  return returnType === 'string' ? UTF8ToString(ret) : ret;
};
var cwrap = (ident, returnType, argTypes) => {
  var numericArgs = !argTypes || argTypes.every(type => type === 'number');
  if (numericArgs && returnType !== 'string') {
    return getCFunc(ident);
  }
  return (...args) => ccall(ident, returnType, argTypes, args);
};
var wasmTypeCodes = { i: 127, j: 126, f: 125, d: 124 };
var convertJsFunctionToWasm = (func, sig) => {
  var codes = types => [types.length, ...Array.from(types, type => wasmTypeCodes[type])];
  var type = [1, 96, ...codes(sig.slice(1)), ...codes(sig[0] === 'v' ? '' : sig[0])];
  var bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, type.length, ...type, 2, 7, 1, 1, 101, 1, 102, 0, 0, 7, 5, 1, 1, 102, 0, 0);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { f: current(func) } }).exports['f'];
};
var freeTableIndexes = [];
var addFunction = (func, sig) => {
  var ret = freeTableIndexes.length ? freeTableIndexes.pop() : wasmTable['grow'](1);
  wasmTable.set(ret, convertJsFunctionToWasm(func, sig));
  return ret;
};
var removeFunction = index => {
  wasmTable.set(index, null);
  freeTableIndexes.push(index);
};
Module['cwrap'] = cwrap;
Module['addFunction'] = addFunction;
Module['removeFunction'] = removeFunction;
var _malloc, _free, wasmMemory, wasmTable, stackPointer;
function assignWasmExports(wasmExports) {
  EXPORTS;
  wasmMemory = wasmExports['memory'];
  wasmTable = wasmExports['__indirect_function_table'];
  stackPointer = wasmExports['__stack_pointer'];
}
var wasmImports = IMPORTS;
function run() {
  wasmExports['_initialize']();
  Module['onRuntimeInitialized']?.();
}
var wasmExports;
wasmExports = createWasm();
run();
