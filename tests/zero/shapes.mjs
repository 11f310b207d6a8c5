// Query shapes beyond the demo's six: each operator, ordering, limit, cursor and kind of subquery of ZQL.

/** @param {ReturnType<typeof import('@rocicorp/zero').createBuilder>} q */
export function shapes(q) {
  return {
    'a whole table': q.label,
    'one row by key': q.user.where('id', 'user-0007').one(),
    'a key that is not there': q.user.where('id', 'nobody'),
    'a boolean': q.channel.where('private', true),
    'greater and not equal': q.issue.where('priority', '>=', 50).where('status', '!=', 'done'),
    'a real and its order': q.milestone.where('done', '<', 60.5).orderBy('done', 'desc'),
    'integers past 32 bits': q.attachment.where('bytes', '>', 2 ** 40).orderBy('bytes', 'asc'),
    'null, and not null': q.issue.where('assigneeID', 'IS', null).where('description', 'IS NOT', null),
    'IN and NOT IN': q.issue.where('status', 'IN', ['open', 'doing']).where('priority', 'NOT IN', [1, 2, 3]),
    'LIKE minds case': q.user.where('name', 'LIKE', '%ø%'),
    'ILIKE folds beyond ASCII': q.user.where('name', 'ILIKE', '%ÅNGSTRÖM%'),
    'NOT ILIKE': q.user.where('name', 'NOT ILIKE', '%ó%'),
    'or of and': q.issue.where(({or, and, cmp}) =>
      or(and(cmp('status', 'open'), cmp('priority', '>', 80)), and(cmp('status', 'done'), cmp('estimate', 'IS', null))),
    ),
    'emoji as a value': q.reaction.where('emoji', '👩‍💻'),
    'JSON columns': q.audit_log.orderBy('at', 'desc').limit(5),
    'limit one of many, by an order without an index': q.message.orderBy('body', 'asc').limit(1),
    'order by two columns of other directions': q.issue.orderBy('priority', 'desc').orderBy('created', 'asc').limit(30),
    'a cursor in the middle': q.comment.orderBy('created', 'asc').start({created: Date.UTC(2026, 9, 20), id: 'comment-0040'}),
    'limits at two levels': q.channel.limit(5).related('message', m => m.orderBy('created', 'desc').limit(3)),
    'related to a junction and beyond': q.team.related('team_member', m => m.related('user', u => u.related('profile'))),
    exists: q.user.whereExists('session', s => s.where('ended', 'IS', null)),
    'exists with a limit that stops early': q.message.whereExists('reaction').orderBy('created', 'desc').limit(4),
    'not exists': q.user.where(({not, exists}) => not(exists('bookmark'))),
    'exists in an or': q.issue.where(({or, exists, cmp}) => or(exists('issue_label'), exists('time_entry'), cmp('priority', 0))),
    'exists, three deep': q.workspace.whereExists('channel', c =>
      c.whereExists('message', m => m.whereExists('mention', n => n.where('seen', false))),
    ),
  };
}
