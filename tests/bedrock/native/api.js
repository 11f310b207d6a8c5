// The API of the test fixture: the classes of bedrock-sqlite by name and shape, with its defects.
// What is between #if and #else is in 0.16.4, what is between #else and #endif in the releases before.

'use strict'

const SQLITE_OK = 0
const SQLITE_ROW = 100
const SQLITE_DONE = 101
const SQLITE_INTEGER = 1
const SQLITE_FLOAT = 2
const SQLITE_TEXT = 3
const SQLITE_BLOB = 4
const SQLITE_NULL = 5
const SQLITE_UTF8 = 1
const SQLITE_TRANSIENT = -1
const SQLITE_DETERMINISTIC = 2048
const SQLITE_DIRECTONLY = 524288

const INT32_MIN = -2147483648
const INT32_MAX = 2147483647
const NULL = 0

let temp
const sqlite3 = {}

Module.onRuntimeInitialized = () => {
  temp = stackAlloc(8)

  const v = null
  const n = 'number'
  const s = 'string'
  const n1 = [n]
  const n2 = [n, ...n1]
  const n3 = [n, ...n2]
  const n4 = [n, ...n3]
  const n5 = [n, ...n4]

  const signatures = {
    open_v2: [n, [s, n, n, s]],
    exec: [n, n5],
    errmsg: [s, n1],
    prepare_v2: [n, n5],
    close_v2: [n, n1],
    finalize: [n, n1],
    reset: [n, n1],
    clear_bindings: [n, n1],
    bind_int: [n, n3],
    bind_int64: [n, n3],
    bind_double: [n, n3],
    bind_text: [n, n5],
    bind_blob: [n, n5],
    bind_null: [n, n2],
    bind_parameter_index: [n, [n, s]],
    bind_parameter_count: [n, n1],
    bind_parameter_name: [s, n2],
    step: [n, n1],
    column_int64: [n, n2],
    column_double: [n, n2],
    column_text: [s, n2],
    column_blob: [n, n2],
    column_type: [n, n2],
    column_name: [s, n2],
    column_count: [n, n1],
    column_bytes: [n, n2],
    column_table_name: [s, n2],
    column_origin_name: [s, n2],
    column_database_name: [s, n2],
    data_count: [n, n1],
    sql: [s, n1],
    stmt_readonly: [n, n1],
    last_insert_rowid: [n, n1],
    changes: [n, n1],
    total_changes: [n, n1],
    create_function_v2: [n, [n, s, n, n, n, n, n, n, n]],
    value_type: [n, n1],
    value_text: [s, n1],
    value_blob: [n, n1],
    value_int64: [n, n1],
    value_double: [n, n1],
    value_bytes: [n, n1],
    result_double: [v, n2],
    result_null: [v, n1],
    result_text: [v, n4],
    result_blob: [v, n4],
    result_int: [v, n2],
    result_int64: [v, n2],
    result_error: [v, n3],
    get_autocommit: [n, n1],
  }

  for (const [name, sig] of Object.entries(signatures)) {
    sqlite3[name] = cwrap(`sqlite3_${name}`, sig[0], sig[1])
  }

  function arrayToHeap(array) {
    const ptr = _malloc(array.byteLength)
    HEAPU8.set(array, ptr)
    return ptr
  }

  function stringToHeap(str) {
    const size = lengthBytesUTF8(str) + 1
    const ptr = _malloc(size)
    stringToUTF8(str, ptr, size)
    return ptr
  }

  function toNumberOrNot(val) {
    if (typeof val !== 'bigint') return val
    return Number.isSafeInteger(Number(val)) ? Number(val) : val
  }

//#if 0.16.4
  const SQLITE_ERROR_NAMES = {
    1: 'SQLITE_ERROR',
    2: 'SQLITE_INTERNAL',
    3: 'SQLITE_PERM',
    4: 'SQLITE_ABORT',
    5: 'SQLITE_BUSY',
    6: 'SQLITE_LOCKED',
    7: 'SQLITE_NOMEM',
    8: 'SQLITE_READONLY',
    10: 'SQLITE_IOERR',
    11: 'SQLITE_CORRUPT',
    13: 'SQLITE_FULL',
    14: 'SQLITE_CANTOPEN',
    15: 'SQLITE_PROTOCOL',
    17: 'SQLITE_SCHEMA',
    18: 'SQLITE_TOOBIG',
    19: 'SQLITE_CONSTRAINT',
    20: 'SQLITE_MISMATCH',
    21: 'SQLITE_MISUSE',
    25: 'SQLITE_RANGE',
    26: 'SQLITE_NOTADB',
  }

  class SqliteError extends Error {
    constructor(message, code) {
      super(message)
      this.name = 'SqliteError'
      if (typeof code === 'number') {
        this.code = SQLITE_ERROR_NAMES[code & 0xff] || SQLITE_ERROR_NAMES[code] || 'SQLITE_ERROR'
      } else {
        this.code = code || 'SQLITE_ERROR'
      }
    }
  }
//#else
  class SqliteError extends Error {
    constructor(message, code) {
      super(message)
      this.name = 'SqliteError'
      this.code = code || 'SQLITE_ERROR'
    }
  }
//#endif

  function isBytes(value) {
    return value instanceof Uint8Array || Buffer.isBuffer(value)
  }

  function resolveBindParams(args) {
    if (args.length > 1) return Array.from(args)
    const [arg] = args
    if (arg === undefined || arg === null) return null
    return typeof arg === 'object' && !isBytes(arg) ? arg : [arg]
  }

  function parseFunctionArgs(argc, argv) {
    const args = []
    for (let i = 0; i < argc; i++) {
      const ptr = getValue(argv + 4 * i, 'i32')
      switch (sqlite3.value_type(ptr)) {
        case SQLITE_INTEGER:
          args.push(toNumberOrNot(sqlite3.value_int64(ptr)))
          break
        case SQLITE_FLOAT:
          args.push(sqlite3.value_double(ptr))
          break
        case SQLITE_TEXT:
          args.push(sqlite3.value_text(ptr))
          break
        case SQLITE_BLOB: {
          const p = sqlite3.value_blob(ptr)
          args.push(Buffer.from(HEAPU8.slice(p, p + sqlite3.value_bytes(ptr))))
          break
        }
        case SQLITE_NULL:
          args.push(null)
          break
      }
    }
    return args
  }

  function setFunctionResult(cx, result) {
    if (result === null || result === undefined) {
      sqlite3.result_null(cx)
    } else if (typeof result === 'boolean') {
      sqlite3.result_int(cx, result ? 1 : 0)
    } else if (typeof result === 'bigint' || Number.isSafeInteger(result)) {
      sqlite3.result_int64(cx, BigInt(result))
    } else if (typeof result === 'number') {
      sqlite3.result_double(cx, result)
    } else {
      const bytes = isBytes(result)
      const tp = bytes ? arrayToHeap(result) : stringToHeap(String(result))
      if (bytes) sqlite3.result_blob(cx, tp, result.byteLength, SQLITE_TRANSIENT)
      else sqlite3.result_text(cx, tp, -1, SQLITE_TRANSIENT)
      _free(tp)
    }
  }

  function throwInto(cx, err) {
    const tp = stringToHeap(err.toString())
    sqlite3.result_error(cx, tp, -1)
    _free(tp)
  }

  class Database {
    constructor(filename, options = {}) {
      if (typeof filename !== 'string' && !Buffer.isBuffer(filename)) {
        throw new TypeError('the first argument is not a file name')
      }
      filename = String(filename)

      const readonly = !!options.readonly
      const fileMustExist = !!options.fileMustExist

      let flags
      if (readonly) {
        flags = 1
      } else {
        flags = 2
        if (!fileMustExist) flags |= 4
      }

      const rc = sqlite3.open_v2(filename, temp, flags, NULL)
      this._ptr = getValue(temp, 'i32')
      if (rc !== SQLITE_OK) {
        const msg = this._ptr !== NULL ? sqlite3.errmsg(this._ptr) : 'cannot open the database'
        if (this._ptr !== NULL) sqlite3.close_v2(this._ptr)
        this._ptr = null
        throw new SqliteError(msg)
      }

      this._open = true
      this._readonly = readonly
//#if 0.16.4
      this._unsafe = false
//#endif
      this._name = filename
      this._statements = new Set()
      this._functions = new Map()

      this.exec('PRAGMA busy_timeout = 5000')
    }

//#if 0.16.4
    unsafeMode(enabled) {
      if (enabled === undefined) enabled = true
      this._unsafe = !!enabled
      return this
    }

//#endif
    get open() {
      return this._open
    }
    get readonly() {
      return this._readonly
    }
    get name() {
      return this._name
    }
    get inTransaction() {
      return this._open && sqlite3.get_autocommit(this._ptr) === 0
    }

    prepare(source) {
      this._assertOpen()
      if (typeof source !== 'string') {
        throw new TypeError('the first argument is not SQL')
      }
      const stmt = new Statement(this, source)
      this._statements.add(stmt)
      return stmt
    }

    exec(sql) {
      this._assertOpen()
      for (const stmt of this._statements) {
        if (!stmt._finalized) sqlite3.reset(stmt._ptr)
      }
      const tp = stringToHeap(sql)
      try {
        const rc = sqlite3.exec(this._ptr, tp, NULL, NULL, NULL)
        if (rc !== SQLITE_OK) {
//#if 0.16.4
          throw new SqliteError(sqlite3.errmsg(this._ptr), rc)
//#else
          throw new SqliteError(sqlite3.errmsg(this._ptr))
//#endif
        }
      } finally {
        _free(tp)
      }
      return this
    }

    transaction(fn) {
      const db = this
      const wrapTxn = (begin) => {
        const beginStmt = db.prepare(begin)
        const commitStmt = db.prepare('COMMIT')
        const rollbackStmt = db.prepare('ROLLBACK')
        return function (...args) {
          if (db.inTransaction) return fn.apply(this, args)
          beginStmt.run()
          try {
            const result = fn.apply(this, args)
            commitStmt.run()
            return result
          } catch (err) {
            if (db.inTransaction) rollbackStmt.run()
            throw err
          }
        }
      }
      const result = wrapTxn('BEGIN')
      result.deferred = wrapTxn('BEGIN DEFERRED')
      result.immediate = wrapTxn('BEGIN IMMEDIATE')
      result.exclusive = wrapTxn('BEGIN EXCLUSIVE')
      result.database = db
      return result
    }

    pragma(source, options) {
      const stmt = this.prepare(`PRAGMA ${source}`)
      try {
        if (!stmt.reader) return stmt.run()
        return options?.simple ? stmt.pluck().get() : stmt.all()
      } finally {
        sqlite3.finalize(stmt._ptr)
        stmt._finalized = true
        this._statements.delete(stmt)
      }
    }

    function(name, fn, options = {}) {
      this._assertOpen()
      this._removeFunction(name)
      const wrappedFunc = (cx, argc, argv) => {
        const args = parseFunctionArgs(argc, argv)
        try {
          setFunctionResult(cx, fn(...args))
        } catch (err) {
          throwInto(cx, err)
        }
      }
      const funcPtr = addFunction(wrappedFunc, 'viii')
      this._functions.set(name, funcPtr)
      const argCount = options.varargs ? -1 : fn.length
      const rc = sqlite3.create_function_v2(
        this._ptr,
        name,
        argCount,
        this._textRep(options),
        NULL,
        funcPtr,
        NULL,
        NULL,
        NULL
      )
      if (rc !== SQLITE_OK) throw new SqliteError(sqlite3.errmsg(this._ptr))
      return this
    }

    aggregate(name, options) {
      this._assertOpen()
      const { start, step, result = (acc) => acc } = options
      let accumulator = typeof start === 'function' ? start() : start
      const stepWrapper = (cx, argc, argv) => {
        const args = parseFunctionArgs(argc, argv)
        try {
          accumulator = step(accumulator, ...args)
        } catch (err) {
          throwInto(cx, err)
        }
      }
      const finalWrapper = (cx) => {
        try {
          setFunctionResult(cx, result(accumulator))
        } catch (err) {
          throwInto(cx, err)
        }
        accumulator = typeof start === 'function' ? start() : start
      }
      this._removeFunction(name + '_step')
      this._removeFunction(name + '_final')
      const stepPtr = addFunction(stepWrapper, 'viii')
      const finalPtr = addFunction(finalWrapper, 'vi')
      this._functions.set(name + '_step', stepPtr)
      this._functions.set(name + '_final', finalPtr)
      const argCount = options.varargs ? -1 : step.length - 1
      const rc = sqlite3.create_function_v2(
        this._ptr,
        name,
        argCount,
        this._textRep(options),
        NULL,
        NULL,
        stepPtr,
        finalPtr,
        NULL
      )
      if (rc !== SQLITE_OK) throw new SqliteError(sqlite3.errmsg(this._ptr))
      return this
    }

    close() {
      if (!this._open) return
      for (const stmt of this._statements) {
        if (!stmt._finalized) sqlite3.finalize(stmt._ptr)
        stmt._finalized = true
      }
      this._statements.clear()
      for (const func of this._functions.values()) removeFunction(func)
      this._functions.clear()
      const rc = sqlite3.close_v2(this._ptr)
      if (rc !== SQLITE_OK) {
        throw new SqliteError(sqlite3.errmsg(this._ptr))
      }
      this._ptr = null
      this._open = false
    }

    _textRep(options) {
      return SQLITE_UTF8 | (options.deterministic ? SQLITE_DETERMINISTIC : 0) | (options.directOnly ? SQLITE_DIRECTONLY : 0)
    }

    _removeFunction(name) {
      if (this._functions.has(name)) removeFunction(this._functions.get(name))
      this._functions.delete(name)
    }

    _assertOpen() {
      if (!this._open) throw new SqliteError('the database is closed')
    }

    _handleError(rc) {
      if (rc !== SQLITE_OK) {
//#if 0.16.4
        throw new SqliteError(sqlite3.errmsg(this._ptr), rc)
//#else
        throw new SqliteError(sqlite3.errmsg(this._ptr))
//#endif
      }
    }
  }

  class Statement {
    constructor(db, source) {
      this._db = db
      this._source = source
      this._finalized = false
      this._pluck = false
      this._expand = false
      this._raw = false
      this._bound = false

      const tp = stringToHeap(source)
      try {
        const rc = sqlite3.prepare_v2(db._ptr, tp, -1, temp, NULL)
        if (rc !== SQLITE_OK) {
//#if 0.16.4
          throw new SqliteError(sqlite3.errmsg(db._ptr), rc)
//#else
          throw new SqliteError(sqlite3.errmsg(db._ptr))
//#endif
        }
      } finally {
        _free(tp)
      }
      this._ptr = getValue(temp, 'i32')
      if (this._ptr === NULL) {
        throw new SqliteError('there is no statement in it')
      }

      this._columnCount = sqlite3.column_count(this._ptr)
      this._reader = this._columnCount > 0
      this._readonly = !!sqlite3.stmt_readonly(this._ptr)
    }

    get source() {
      return this._source
    }
    get reader() {
      return this._reader
    }
    get readonly() {
      return this._readonly
    }

    run(...args) {
      this._assertReady()
      const params = resolveBindParams(args)
      this._reset()
      if (params) this._bind(params)
      this._step()
//#if 0.16.4
      const result = {
        changes: sqlite3.changes(this._db._ptr),
        lastInsertRowid: toNumberOrNot(sqlite3.last_insert_rowid(this._db._ptr)),
      }
      sqlite3.reset(this._ptr)
      return result
//#else
      return {
        changes: sqlite3.changes(this._db._ptr),
        lastInsertRowid: toNumberOrNot(sqlite3.last_insert_rowid(this._db._ptr)),
      }
//#endif
    }

    get(...args) {
      this._assertReady()
      const params = resolveBindParams(args)
      this._reset()
      if (params) this._bind(params)
//#if 0.16.4
      if (!this._step()) {
        sqlite3.reset(this._ptr)
        return undefined
      }
      const row = this._getRow()
      sqlite3.reset(this._ptr)
      return row
//#else
      if (!this._step()) return undefined
      return this._getRow()
//#endif
    }

    all(...args) {
      this._assertReady()
      const params = resolveBindParams(args)
      this._reset()
      if (params) this._bind(params)
      const rows = []
      while (this._step()) {
        rows.push(this._getRow())
//#if 0.16.4
        if (rows.length === 100000) {
          console.warn(`[bedrock-sqlite] all(): 100k rows and more: ${this._source.slice(0, 200)}`)
        }
        if (rows.length >= 10000000) {
          sqlite3.reset(this._ptr)
          throw new SqliteError(`all(): 10M rows are too many: ${this._source.slice(0, 200)}`)
        }
//#endif
      }
//#if 0.16.4
      sqlite3.reset(this._ptr)
//#endif
      return rows
    }

    *iterate(...args) {
      this._assertReady()
      const params = resolveBindParams(args)
      this._reset()
      if (params) this._bind(params)
      while (this._step()) {
        yield this._getRow()
      }
    }

    pluck(toggle = true) {
      return this._only('_pluck', toggle)
    }

    expand(toggle = true) {
      return this._only('_expand', toggle)
    }

    raw(toggle = true) {
      return this._only('_raw', toggle)
    }

    _only(form, toggle) {
      for (const each of ['_pluck', '_expand', '_raw']) this[each] = each === form && toggle
      return this
    }

    columns() {
      this._assertReady()
      const about = { name: 'name', column: 'origin_name', table: 'table_name', database: 'database_name' }
      return Array.from({ length: this._columnCount }, (_, i) => {
        const told = Object.entries(about).map(([key, name]) => [key, sqlite3[`column_${name}`](this._ptr, i)])
        return { ...Object.fromEntries(told), type: null }
      })
    }

//#if 0.16.4
    scanStatusV2() {
      return []
    }

    scanStatusReset() {}

    safeIntegers() {
      return this
    }

//#endif
    bind(...args) {
      this._assertReady()
      const params = resolveBindParams(args)
      this._reset()
      if (params) this._bind(params)
      this._bound = true
      return this
    }

    _reset() {
      sqlite3.clear_bindings(this._ptr)
      sqlite3.reset(this._ptr)
    }

    _step() {
      const rc = sqlite3.step(this._ptr)
      if (rc === SQLITE_ROW) return true
      if (rc === SQLITE_DONE) return false
//#if 0.16.4
      sqlite3.reset(this._ptr)
      throw new SqliteError(sqlite3.errmsg(this._db._ptr), rc)
//#else
      throw new SqliteError(sqlite3.errmsg(this._db._ptr))
//#endif
    }

    _getRow() {
      if (this._pluck) return this._getColumnValue(0)
      const row = this._raw ? [] : {}
      for (let i = 0; i < this._columnCount; i++) {
        const value = this._getColumnValue(i)
        if (this._raw) {
          row.push(value)
        } else if (this._expand) {
          const table = sqlite3.column_table_name(this._ptr, i) || '$'
          row[table] ??= {}
          row[table][sqlite3.column_name(this._ptr, i)] = value
        } else {
          row[sqlite3.column_name(this._ptr, i)] = value
        }
      }
      return row
    }

    _getColumnValue(i) {
      const type = sqlite3.column_type(this._ptr, i)
      switch (type) {
        case SQLITE_INTEGER:
          return toNumberOrNot(sqlite3.column_int64(this._ptr, i))
        case SQLITE_FLOAT:
          return sqlite3.column_double(this._ptr, i)
        case SQLITE_TEXT:
          return sqlite3.column_text(this._ptr, i)
        case SQLITE_BLOB: {
          const p = sqlite3.column_blob(this._ptr, i)
          if (p !== NULL) {
//#if 0.16.4
            const nbytes = sqlite3.column_bytes(this._ptr, i)
            if (nbytes > 104857600) {
              throw new SqliteError(`column ${i} holds a blob of ${nbytes} bytes`)
            }
            return Buffer.from(HEAPU8.slice(p, p + nbytes))
//#else
            return Buffer.from(HEAPU8.slice(p, p + sqlite3.column_bytes(this._ptr, i)))
//#endif
          }
          return Buffer.alloc(0)
        }
        case SQLITE_NULL:
          return null
        default:
          return null
      }
    }

    _bind(params) {
      if (Array.isArray(params)) {
        params.forEach((value, i) => this._bindValue(value, i + 1))
        return
      }
      const count = sqlite3.bind_parameter_count(this._ptr)
      for (let i = 1; i <= count; i++) {
        const name = sqlite3.bind_parameter_name(this._ptr, i)
        const key = [name, name.slice(1)].find((key) => key in params)
        if (key && params[key] !== undefined) this._bindValue(params[key], i)
      }
    }

    _bindValue(value, position) {
      let rc
      switch (typeof value) {
        case 'string': {
          const tp = stringToHeap(value)
          rc = sqlite3.bind_text(this._ptr, position, tp, -1, SQLITE_TRANSIENT)
          _free(tp)
          break
        }
        case 'number':
          if (!Number.isSafeInteger(value)) {
            rc = sqlite3.bind_double(this._ptr, position, value)
          } else if (value >= INT32_MIN && value <= INT32_MAX) {
            rc = sqlite3.bind_int(this._ptr, position, value)
          } else {
            rc = sqlite3.bind_int64(this._ptr, position, BigInt(value))
          }
          break
        case 'bigint':
          rc = sqlite3.bind_int64(this._ptr, position, value)
          break
        case 'boolean':
          rc = sqlite3.bind_int(this._ptr, position, value ? 1 : 0)
          break
        default:
          if (value === null || value === undefined) {
            rc = sqlite3.bind_null(this._ptr, position)
          } else if (isBytes(value)) {
            const tp = arrayToHeap(value)
            rc = sqlite3.bind_blob(this._ptr, position, tp, value.byteLength, SQLITE_TRANSIENT)
            _free(tp)
          } else {
            throw new SqliteError(`parameter ${position} is of a type that cannot be bound`)
          }
      }
      if (rc !== SQLITE_OK) {
        throw new SqliteError(sqlite3.errmsg(this._db._ptr))
      }
    }

    _assertReady() {
      if (this._finalized) throw new SqliteError('the statement is finalized')
      if (!this._db._open) throw new SqliteError('the database is closed')
    }
  }

  Module.Database = Database
  Module.SqliteError = SqliteError
}
