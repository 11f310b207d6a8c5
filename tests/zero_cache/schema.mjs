// The application: people, issues, comments, and a row that says how far a client has come.
//
// Also the file that `zero-deploy-permissions` loads. Zero is the one installed in the folder ZERO_PROJECT.

import path from 'node:path';
import {pathToFileURL} from 'node:url';

const entry = path.join(process.env.ZERO_PROJECT, 'node_modules', '@rocicorp', 'zero', 'out', 'zero', 'src', 'zero.js');
export const api = await import(pathToFileURL(entry).href);

const {table, string, number, json, relationships, createSchema, definePermissions, ANYONE_CAN_DO_ANYTHING} = api;

/** @param {Record<string, unknown>} added columns that a later version of the application knows */
export function applicationSchema(added = {}) {
  const person = table('person').columns({id: string(), name: string()}).primaryKey('id');
  const issue = table('issue')
    .columns({
      id: string(),
      title: string(),
      status: string(),
      priority: number(),
      score: number(),
      owner: string(),
      tags: json(),
      created: number(),
      closed: number().optional(),
      ...added,
    })
    .primaryKey('id');
  const comment = table('comment')
    .columns({id: string(), issue: string(), author: string(), body: string(), created: number()})
    .primaryKey('id');
  const progress = table('progress').columns({id: string(), step: number()}).primaryKey('id');
  return createSchema({
    tables: [person, issue, comment, progress],
    relationships: [
      relationships(issue, ({one, many}) => ({
        holder: one({sourceField: ['owner'], destField: ['id'], destSchema: person}),
        comments: many({sourceField: ['id'], destField: ['issue'], destSchema: comment}),
      })),
      relationships(comment, ({one}) => ({
        subject: one({sourceField: ['issue'], destField: ['id'], destSchema: issue}),
        writer: one({sourceField: ['author'], destField: ['id'], destSchema: person}),
      })),
    ],
    enableLegacyQueries: true,
    enableLegacyMutators: true,
  });
}

export const schema = applicationSchema();

export const permissions = definePermissions(schema, () =>
  Object.fromEntries(Object.keys(schema.tables).map(name => [name, ANYONE_CAN_DO_ANYTHING])),
);

/** What a client asks for. @param {any} query of a Zero client */
export function queries(query) {
  return {
    progress: query.progress,
    people: query.person.orderBy('name', 'asc'),
    recent: query.issue
      .orderBy('created', 'desc')
      .limit(50)
      .related('holder')
      .related('comments', comments => comments.orderBy('created', 'asc').limit(5).related('writer')),
    urgent: query.issue.where('status', 'open').where('priority', '>=', 15).orderBy('priority', 'desc'),
    discussed: query.issue
      .whereExists('comments', comments => comments.where('body', 'LIKE', '%needle%'))
      .orderBy('score', 'asc')
      .limit(100),
    spelled: query.issue.where('title', 'ILIKE', '%ÜBERGABE%'),
    single: query.issue.where('id', 'i00777').related('holder').related('comments').one(),
    written: query.comment.where('author', 'p07').orderBy('created', 'desc').limit(1000).related('subject'),
    either: query.issue
      .where(({or, and, cmp, exists}) =>
        or(
          and(cmp('priority', '=', 0), cmp('status', 'IN', ['open', 'doing'])),
          exists('comments', comments => comments.where('author', 'p03').where('body', 'LIKE', '%needle%')),
        ),
      )
      .orderBy('score', 'desc')
      .limit(200),
    page: query.issue.orderBy('score', 'asc').start({id: 'i00100', score: 0.25}).limit(100),
    unclosed: query.issue.where('closed', 'IS', null).where('score', '<', 0.25).related('holder'),
  };
}
