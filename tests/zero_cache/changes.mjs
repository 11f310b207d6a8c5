// Changes upstream, each with what a client's views show once it has arrived.

const time = n => new Date(Date.UTC(2026, 0, 1, 0, 0, n));
const has = (rows, id) => rows.some(row => row.id === id);
const find = (rows, id) => rows.find(row => row.id === id);

/** An issue younger than all others: it comes first in `recent` and pushes out the last. */
function newIssue(n) {
  const id = `n${n}`;
  return {
    write: sql => sql`INSERT INTO issue VALUES
      (${id}, ${`New issue ${n}`}, 'open', 19, 0.5, 'p01', ${sql.json({n})}, ${time(n)}, NULL)`,
    seen: ({recent, urgent}) => recent[0].id === id && recent.length === 50 && has(urgent, id),
  };
}

/** @param {number} n @param {string} issue one of `recent` */
function newComment(n, issue) {
  const id = `nc${n}`;
  return {
    write: sql => sql`INSERT INTO comment VALUES (${id}, ${issue}, 'p07', ${`New needle ${n}`}, ${time(n)})`,
    seen: ({recent, written}) => has(find(recent, issue).comments, id) && written[0].id === id,
  };
}

/** @param {string} id @param {string} title */
function retitled(id, title) {
  return {
    write: sql => sql`UPDATE issue SET title = ${title} WHERE id = ${id}`,
    seen: ({recent}) => find(recent, id).title === title,
  };
}

/** Twenty of many kinds, made once and in this order. */
export const CHANGES = {
  'first issue': newIssue(1),
  'second issue': newIssue(2),
  'third issue': newIssue(3),
  'comment on a new issue': newComment(1, 'n1'),
  'another comment': newComment(2, 'n1'),
  'comment on another issue': newComment(3, 'n2'),
  'title changed': retitled('n1', 'Other title'),
  'title longer than a page': retitled('n2', 'ü'.repeat(9000)),
  'title changed again': retitled('n1', 'Third title'),
  'priority lowered': {
    write: sql => sql`UPDATE issue SET priority = 1 WHERE id = 'n1'`,
    seen: ({urgent}) => !has(urgent, 'n1'),
  },
  'priority raised': {
    write: sql => sql`UPDATE issue SET priority = 15 WHERE id = 'n1'`,
    seen: ({urgent}) => has(urgent, 'n1'),
  },
  'person renamed': {
    write: sql => sql`UPDATE person SET name = 'Zoë' WHERE id = 'p01'`,
    seen: ({people, recent}) => people.at(-1).name === 'Zoë' && find(recent, 'n1').holder.name === 'Zoë',
  },
  'owner changed': {
    write: sql => sql`UPDATE issue SET owner = 'p02' WHERE id = 'n1'`,
    seen: ({recent}) => find(recent, 'n1').holder.id === 'p02',
  },
  'comment deleted': {
    write: sql => sql`DELETE FROM comment WHERE id = 'nc2'`,
    seen: ({recent, written}) => !has(find(recent, 'n1').comments, 'nc2') && !has(written, 'nc2'),
  },
  'issue deleted': {
    write: sql => sql`DELETE FROM issue WHERE id = 'n3'`,
    seen: ({recent, urgent}) => recent[0].id === 'n2' && recent.length === 50 && !has(urgent, 'n3'),
  },
  'title that ILIKE finds': {
    write: sql => sql`UPDATE issue SET title = 'die übergabe' WHERE id = 'n1'`,
    seen: ({spelled}) => has(spelled, 'n1'),
  },
  'two thousand rows at once': {
    write: sql => sql`UPDATE issue SET closed = 1 WHERE score < 0.1`,
    seen: ({unclosed}) => unclosed.every(({score}) => score >= 0.1),
  },
  'number beyond the floats': {
    write: sql => sql`UPDATE issue SET closed = 9007199254740991 WHERE id = 'i00777'`,
    seen: ({single}) => single.closed === 9007199254740991,
  },
  'primary key changed': {
    write: sql => sql`UPDATE issue SET id = 'n4' WHERE id = 'n2'`,
    seen: ({recent}) => recent[0].id === 'n4' && !has(recent, 'n2'),
  },
  'several statements in one transaction': {
    write: sql =>
      sql.begin(tx => [
        tx`DELETE FROM comment WHERE id = 'nc1'`,
        tx`UPDATE issue SET status = 'done' WHERE id = 'n1'`,
        tx`INSERT INTO comment VALUES ('nc4', 'n1', 'p03', 'A needle at last', ${time(60)})`,
      ]),
    seen: ({urgent, recent}) =>
      !has(urgent, 'n1') && find(recent, 'n1').comments.map(({id}) => id).join() === 'nc4',
  },
};

/** As many more as are wanted: an insert, two updates, and a delete take turns. */
export function steadyChange(number) {
  const n = 1000 + Math.floor(number / 4);
  const kinds = [
    () => newComment(n, 'n1'),
    () => retitled('n1', `Title ${n}`),
    () => {
      const open = n % 2 === 0 ? 'done' : 'open';
      return {
        write: sql => sql`UPDATE issue SET status = ${open} WHERE id = 'i00783'`,
        seen: ({urgent}) => has(urgent, 'i00783') === (open === 'open'),
      };
    },
    () => ({
      write: sql => sql`DELETE FROM comment WHERE id = ${`nc${n}`}`,
      seen: ({written, recent}) =>
        !has(written, `nc${n}`) && !has(find(recent, 'n1').comments, `nc${n}`),
    }),
  ];
  return kinds[number % kinds.length]();
}
