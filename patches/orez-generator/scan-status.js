// wasmfix @VERSION@ (orez-generator): the driver's own scan status where it ends, else the loops of its query plan.
;(function (proto) {
  var own = proto.scanStatusV2;
  var ends;
  var plans = new WeakMap();
  var ROWS = 1048576; // what SQLite takes a table for that was never analysed

  function statistics(db) {
    try {
      return db.prepare("SELECT idx, tbl, stat FROM sqlite_stat1").all();
    } catch (_) {
      return [];
    }
  }

  function estimate(detail, known) {
    var index = /INDEX ([^ ]+)/.exec(detail);
    var equal = (detail.match(/[^<>]=[?]/g) || []).length;
    var bounds = (detail.match(/[<>]=?[?]/g) || []).length;
    if (/^SEARCH .*PRIMARY KEY/.test(detail) && equal) return 1;
    var words = detail.split(" ");
    var found = known.find(function (row) { return index && row.idx === index[1]; });
    found = found || known.find(function (row) { return row.tbl === words[1]; });
    var counts = found ? found.stat.split(" ").map(Number) : [];
    var rows = counts[0] || ROWS;
    if (equal) rows = index && counts[equal] ? counts[equal] : Math.min(rows, Math.max(5, 11 - equal));
    return Math.max(1, rows / Math.pow(4, bounds));
  }

  function loops(statement) {
    if (!plans.has(statement)) {
      var db = statement.database || statement._db;
      var found = [];
      try {
        var known = statistics(db);
        found = db.prepare("EXPLAIN QUERY PLAN " + statement.source).all().map(function (row) {
          return [0, 0, estimate(row.detail, known), row.detail.split(" ")[1] || "", row.detail, row.id, row.parent, 0];
        });
      } catch (_) {
        // What has no plan has no loops.
      }
      plans.set(statement, found);
    }
    return plans.get(statement);
  }

  proto.scanStatusV2 = function (index, field, flags) {
    if (ends === undefined) ends = typeof own === "function" && own.call(this, 1048576, 5, 1) === undefined;
    if (ends) return own.call(this, index, field, flags);
    var loop = loops(this)[index];
    return loop ? loop[field] : undefined;
  };
  proto.scanStatus = function (index, field, flags) {
    return this.scanStatusV2(index, field, flags);
  };
})(@PROTOTYPE@);
