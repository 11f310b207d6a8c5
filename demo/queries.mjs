// The six queries of the demo, written as an application writes them.

/** @param {ReturnType<typeof import('@rocicorp/zero').createBuilder>} q */
export function queries(q) {
  return {
    'open issues, newest first': q.issue
      .where('status', '!=', 'done')
      .where('priority', '>', 20)
      .orderBy('modified', 'desc')
      .limit(50)
      .related('assignee')
      .related('issue_label', junction => junction.related('label')),

    'channels with their last messages': q.channel
      .where('private', false)
      .orderBy('name', 'asc')
      .related('message', messages =>
        messages.orderBy('created', 'desc').limit(20).related('author').related('reaction').related('attachment'),
      ),

    'issues that somebody discusses': q.issue
      .whereExists('comment', comments => comments.whereExists('author', author => author.where('active', true)))
      .whereExists('project', project => project.where('archived', false))
      .related('comment', comments => comments.orderBy('created', 'asc').related('author')),

    'people, by part of a name': q.user
      .where(({or, cmp, exists}) =>
        or(cmp('name', 'ILIKE', '%ŁUKASZ%'), cmp('name', 'ILIKE', '%gRÜN%'), exists('team_member', m => m.where('lead', true))),
      )
      .orderBy('name', 'asc')
      .related('profile')
      .related('team_member', members => members.related('team')),

    'threads after a cursor': q.message
      .orderBy('created', 'desc')
      .orderBy('id', 'asc')
      .start({created: Date.UTC(2026, 10, 1), id: ''})
      .limit(40)
      .related('thread', threads => threads.related('reply', replies => replies.limit(5).related('author')))
      .related('mention', mentions => mentions.related('user')),

    'projects at a glance': q.project
      .where('archived', false)
      .whereExists('issue', issues => issues.where('status', 'IN', ['open', 'doing']))
      .related('milestone', milestones => milestones.where('due', 'IS NOT', null).orderBy('due', 'asc'))
      .related('issue', issues => issues.limit(10).related('checklist', lists => lists.related('checklist_item')))
      .related('team'),
  };
}
