// The demo's application: a team's chat and issue tracker, 42 tables and 1,856 rows, as in the incident.
//
// One line a table: name, number of rows, columns. `column:kind` is a value, `column>table` a foreign key with an
// index, a `?` behind either says that it can be NULL. Every table has a primary key `id`.

const TABLES = `
workspace           2  name:title slug:word plan:one(free,team,company) settings:json created:time
user               60  workspaceID>workspace name:person email:email role:one(admin,member,guest) active:flag created:time
profile            60  userID>user bio:text? pronouns:word? timezone:one(UTC,Asia/Tokyo,Europe/Oslo) birthday:time?
device             75  userID>user kind:one(web,ios,android) token:word lastSeen:time
session            64  userID>user deviceID>device started:time ended:time?
presence           60  userID>user state:one(online,away,offline) changed:time
preference         60  userID>user theme:one(light,dark,system) sound:flag volume:real
team                8  workspaceID>workspace name:title color:word
team_member        96  teamID>team userID>user lead:flag joined:time
invitation         12  workspaceID>workspace inviterID>user email:email accepted:flag sent:time
channel            24  workspaceID>workspace teamID>team? name:word topic:text? private:flag created:time
channel_member    180  channelID>channel userID>user muted:flag joined:time
channel_pin        12  channelID>channel messageID>message pinned:time
message           260  channelID>channel authorID>user body:text edited:time? created:time
thread             30  messageID>message title:title replies:int updated:time
reply              75  threadID>thread authorID>user body:text created:time
reaction          120  messageID>message userID>user emoji:emoji
mention            40  messageID>message userID>user seen:flag
attachment         20  messageID>message name:word bytes:big mime:one(image/png,text/plain,application/pdf)
read_state         90  channelID>channel userID>user position:int updated:time
draft               9  channelID>channel userID>user body:text? saved:time
bookmark           15  messageID>message userID>user note:text? created:time
project             6  workspaceID>workspace teamID>team name:title archived:flag
milestone          12  projectID>project name:title due:time? done:real
issue             120  projectID>project milestoneID>milestone? creatorID>user assigneeID>user? title:title description:text? status:one(open,doing,done) priority:int estimate:real? created:time modified:time
issue_label        70  issueID>issue labelID>label
label              14  projectID>project name:word color:word
comment            80  issueID>issue authorID>user body:text created:time
issue_link         16  issueID>issue targetID>issue kind:one(blocks,duplicates,relates)
issue_watch        40  issueID>issue userID>user since:time
checklist          10  issueID>issue title:title position:int
checklist_item     30  checklistID>checklist text:text checked:flag position:int
time_entry         18  issueID>issue userID>user minutes:int billable:flag day:time
view                8  projectID>project name:title filter:json shared:flag
notification       25  userID>user kind:one(mention,assign,reply) payload:json seen:flag created:time
webhook             3  workspaceID>workspace url:word events:json enabled:flag
integration         3  workspaceID>workspace provider:one(git,mail,calendar) config:json
api_key             4  userID>user hint:word expires:time?
audit_log          14  workspaceID>workspace userID>user action:word detail:json at:time
emoji               6  workspaceID>workspace name:word glyph:emoji
feature_flag        3  name:word rollout:real enabled:flag
announcement        2  workspaceID>workspace authorID>user body:text until:time?
`;

/** ZQL type and PostgreSQL type of each kind of value. */
const KINDS = {
  id: ['string', 'text'],
  key: ['string', 'text'],
  title: ['string', 'text'],
  word: ['string', 'text'],
  text: ['string', 'text'],
  person: ['string', 'text'],
  email: ['string', 'varchar'],
  emoji: ['string', 'text'],
  one: ['string', 'text'],
  int: ['number', 'int4'],
  big: ['number', 'int8'],
  real: ['number', 'float8'],
  time: ['number', 'timestamptz'],
  flag: ['boolean', 'bool'],
  json: ['json', 'jsonb'],
};

/** @typedef {{name: string, kind: string, type: string, pgType: string, nullable: boolean, target?: string, choices?: string[]}} Column */
/** @typedef {{name: string, rows: number, columns: Column[]}} Table */

/** @param {string} text */
function parseColumn(text) {
  const [, name, mark, rest, optional] = /^(\w+)([:>])(.+?)(\?)?$/.exec(text) ?? [];
  const [, word, choices] = /^(\w+)(?:\((.*)\))?$/.exec(rest) ?? [];
  const kind = mark === '>' ? 'key' : word;
  const [type, pgType] = KINDS[kind];
  return {
    name,
    kind,
    type,
    pgType,
    nullable: optional === '?',
    target: mark === '>' ? word : undefined,
    choices: choices?.split(','),
  };
}

/** @param {string} line */
function parseTable(line) {
  const [name, rows, ...columns] = line.split(/\s+/);
  const [type, pgType] = KINDS.id;
  const id = {name: 'id', kind: 'id', type, pgType, nullable: false};
  return {name, rows: Number(rows), columns: [id, ...columns.map(parseColumn)]};
}

/** @type {Table[]} */
export const tables = TABLES.trim().split('\n').map(parseTable);

/** Tables in an order in which every foreign key points backwards. */
export function inForeignKeyOrder() {
  const done = new Set();
  const visit = table => {
    if (done.has(table.name)) return [];
    done.add(table.name);
    const before = table.columns
      .filter(column => column.target)
      .flatMap(column => visit(tables.find(other => other.name === column.target)));
    return [...before, table];
  };
  return tables.flatMap(visit);
}

/**
 * The application's schema as its developer would write it, with Zero's public API. Each foreign key `xID>t` gives
 * the relationship `x` to its parent, and to the parent one named after the child's table (`<table>_<x>` for a second
 * key to the same parent).
 *
 * @param {typeof import('@rocicorp/zero')} api
 */
export function applicationSchema({table, string, number, boolean, json, relationships, createSchema}) {
  const makers = {string, number, boolean, json};
  const built = new Map(
    tables.map(({name, columns}) => {
      const shape = columns.map(({name: column, type, nullable}) => {
        const value = makers[type]();
        return [column, nullable ? value.optional() : value];
      });
      return [name, table(name).columns(Object.fromEntries(shape)).primaryKey('id')];
    }),
  );
  const edges = new Map(tables.map(({name}) => [name, []]));
  for (const {name, columns} of tables) {
    for (const {name: column, target} of columns) {
      if (!target) continue;
      const one = column.replace(/ID$/, '');
      const taken = edges.get(target).some(edge => edge.name === name);
      edges.get(name).push({name: one, how: 'one', from: column, to: 'id', table: target});
      edges.get(target).push({name: taken ? `${name}_${one}` : name, how: 'many', from: 'id', to: column, table: name});
    }
  }
  const related = [...edges].map(([name, list]) =>
    relationships(built.get(name), makers => {
      const entries = list.map(edge => {
        const connection = {sourceField: [edge.from], destField: [edge.to], destSchema: built.get(edge.table)};
        return [edge.name, makers[edge.how](connection)];
      });
      return Object.fromEntries(entries);
    }),
  );
  return createSchema({tables: [...built.values()], relationships: related});
}
