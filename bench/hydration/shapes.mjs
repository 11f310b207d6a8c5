// Shapes of data to hydrate, each a schema with made-up rows and the queries on it.
//
// A column is `[name, kind, ...]`: key (the id), ref (another table's id), int, big, real, flag, text (Latin-1, of so many
// characters), wide (beyond Latin-1), json (an object with so many fields). A `?` behind the kind: every third is NULL.

const table = (name, rows, ...columns) => ({name, rows, columns: [['id', 'key'], ...columns], key: ['id']});
const keyed = (key, spec) => ({...spec, key});
const equals = (name, value) => ({
  type: 'simple',
  op: '=',
  left: {type: 'column', name},
  right: {type: 'literal', value},
});
const to = (parentField, childField, subquery) => ({
  system: 'client',
  correlation: {parentField: [parentField], childField: [childField]},
  subquery: {alias: subquery.table, orderBy: [['id', 'asc']], ...subquery},
});
const exists = (flip, ...relation) => ({
  type: 'correlatedSubquery',
  op: 'EXISTS',
  related: to(...relation),
  ...(flip === undefined ? {} : {flip}),
});
const ordered = [['id', 'asc']];

/** What the constants are fitted to. */
export const FITTED = {
  narrow: {
    tables: [table('point', 60_000, ['x', 'int'], ['on', 'flag'])],
    queries: {points: {table: 'point', orderBy: ordered}},
  },
  'narrow, half as many': {
    tables: [table('point', 30_000, ['x', 'int'], ['on', 'flag'])],
    queries: {points: {table: 'point', orderBy: ordered}},
  },
  numbers: {
    tables: [table('sample', 20_000, ...[...'abcdefgh'].map((name, at) => [name, at % 2 ? 'real' : 'big']))],
    queries: {samples: {table: 'sample', orderBy: ordered}},
  },
  'wide text': {
    tables: [table('page', 12_000, ['body', 'text', 3000], ['title', 'text', 80])],
    queries: {pages: {table: 'page', orderBy: ordered}},
  },
  'text beyond Latin-1': {
    tables: [table('page', 12_000, ['body', 'wide', 1500])],
    queries: {pages: {table: 'page', orderBy: ordered}},
  },
  json: {
    tables: [table('event', 12_000, ['payload', 'json', 24])],
    queries: {events: {table: 'event', orderBy: ordered}},
  },
  'many columns': {
    tables: [table('form', 12_000, ...Array.from({length: 30}, (_, at) => [`field${at}`, at % 3 ? 'text' : 'int', 12]))],
    queries: {forms: {table: 'form', orderBy: ordered}},
  },
  'related, one to many': {
    tables: [table('channel', 4_000, ['name', 'text', 20]), table('message', 40_000, ['channelID', 'ref', 'channel'], ['body', 'text', 120])],
    queries: {channels: {table: 'channel', orderBy: ordered, related: [to('id', 'channelID', {table: 'message'})]}},
  },
  'key of three columns': {
    tables: [keyed(['id', 'a', 'b'], table('member', 20_000, ['a', 'text', 12], ['b', 'int']))],
    queries: {members: {table: 'member', orderBy: ordered}},
  },
  'three queries of the same rows': {
    tables: [table('point', 20_000, ['x', 'int'])],
    queries: {
      all: {table: 'point', orderBy: ordered},
      most: {table: 'point', orderBy: ordered, limit: 19_000},
      again: {table: 'point', orderBy: [['x', 'asc'], ['id', 'asc']]},
    },
  },
  'wide text, many rows': {
    tables: [table('page', 40_000, ['body', 'text', 4000])],
    queries: {pages: {table: 'page', orderBy: ordered}},
  },
  'exists, turned round': {
    tables: [table('channel', 500, ['name', 'text', 20]), table('message', 30_000, ['channelID', 'ref', 'channel'], ['body', 'text', 400])],
    queries: {channels: {table: 'channel', orderBy: ordered, where: exists(true, 'id', 'channelID', {table: 'message'})}},
  },
};

/** What the projection is held against. */
export const HELD_OUT = {
  'narrow rows': {
    tables: [table('vote', 25_000, ['issueID', 'int'], ['up', 'flag'], ['at', 'big'])],
    queries: {votes: {table: 'vote', orderBy: ordered}},
  },
  'wide text rows': {
    tables: [table('article', 11_000, ['title', 'text', 60], ['summary', 'text?', 700], ['body', 'text', 1800], ['words', 'int'])],
    queries: {articles: {table: 'article', orderBy: ordered}},
  },
  'json columns': {
    tables: [table('setting', 11_000, ['scope', 'text', 16], ['value', 'json', 10], ['history', 'json?', 16])],
    queries: {settings: {table: 'setting', orderBy: ordered}},
  },
  'one to many, two levels': {
    tables: [
      table('project', 200, ['name', 'text', 30]),
      table('issue', 2_500, ['projectID', 'ref', 'project'], ['title', 'wide', 40], ['priority', 'int']),
      table('comment', 10_000, ['issueID', 'ref', 'issue'], ['body', 'text', 200], ['created', 'real']),
    ],
    queries: {
      projects: {
        table: 'project',
        orderBy: ordered,
        related: [to('id', 'projectID', {table: 'issue', related: [to('id', 'issueID', {table: 'comment'})]})],
      },
    },
  },
  'exists that touches many and keeps few': {
    tables: [table('account', 15_000, ['name', 'text', 24]), table('flagged', 10_000, ['accountID', 'ref', 'account'], ['kind', 'int'], ['note', 'text', 300])],
    queries: {accounts: {table: 'account', orderBy: ordered, where: exists(false, 'id', 'accountID', {table: 'flagged', where: equals('kind', 7)})}},
  },
  'ordered and limited': {
    tables: [table('log', 12_000, ['level', 'int'], ['line', 'text', 500], ['at', 'big'])],
    queries: {newest: {table: 'log', orderBy: [['at', 'desc'], ['id', 'asc']], limit: 8_000}},
  },
  'large text': {
    tables: [table('file', 600, ['name', 'text', 40], ['content', 'text', 200_000])],
    queries: {files: {table: 'file', orderBy: ordered}},
  },
  'several queries of one client group': {
    tables: [
      table('person', 3_000, ['name', 'wide', 20], ['email', 'text', 30], ['active', 'flag']),
      table('task', 8_000, ['personID', 'ref', 'person'], ['title', 'text', 50], ['done', 'flag'], ['due', 'big?']),
      table('note', 5_000, ['taskID', 'ref', 'task'], ['text', 'text', 600]),
    ],
    queries: {
      people: {table: 'person', orderBy: ordered},
      open: {table: 'task', orderBy: ordered, where: equals('done', false), related: [to('personID', 'id', {table: 'person'})]},
      notes: {table: 'note', orderBy: ordered, related: [to('taskID', 'id', {table: 'task'})]},
      first: {table: 'task', orderBy: ordered, limit: 2_000, related: [to('id', 'taskID', {table: 'note', limit: 1})]},
    },
  },
};

export const SHAPES = {...FITTED, ...HELD_OUT};
