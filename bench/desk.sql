-- What a supervisor's desk shows beside tickets, for the bureau of bench/bureau.py, as of :now.

-- Twenty visits to every unit: most made, some late, some missed, some ahead. The checklist is its only one.
INSERT INTO inspections (id, campaign_id, unit_id, checklist_id, inspector_id, planned_on, state, started_at,
                         submitted_at, submitted_by_id, nothing_found, missed_reason, created_at, version)
SELECT uuidv7(), campaigns.id, units.id, checklists.id, inspector.id, (:now - interval '3 days' * (n - 2))::date, state,
       CASE WHEN state = 'submitted' THEN :now - interval '3 days' * (n - 2) END,
       CASE WHEN state = 'submitted' THEN :now - interval '3 days' * (n - 2) + interval '1 hour' * (n % 40) END,
       CASE WHEN state = 'submitted' THEN inspector.id END, false, CASE WHEN state = 'missed' THEN '道路中断' END, :now, 1
FROM units
CROSS JOIN generate_series(1, 20) AS n
CROSS JOIN LATERAL (
    SELECT CASE WHEN n <= 2 THEN 'planned' WHEN n % 7 = 0 THEN 'missed' ELSE 'submitted' END AS state
) AS stage
CROSS JOIN (SELECT id FROM campaigns) AS campaigns
CROSS JOIN (SELECT id FROM checklists) AS checklists
CROSS JOIN (SELECT id FROM people WHERE login = 'jian0') AS inspector
WHERE units.kind IN ('station', 'team');

-- Some came back twice, some are chased already, for some more time is asked for.
UPDATE tickets SET return_count = 2 WHERE state = 'assigned' AND right(number, 2) IN ('07', '77');
UPDATE chases SET last_turn = turn,
    last_step = CASE matter WHEN 'deadline' THEN 'overdue' WHEN 'unassigned' THEN 'unassigned-1' ELSE 'unchecked-1' END
WHERE ticket_id IN (SELECT id FROM tickets WHERE due_at < :now OR state <> 'assigned');
INSERT INTO extensions (id, ticket_id, state, requested_by_id, requested_at, reason, interim_measures, previous_due_at,
                        proposed_due_at, version)
SELECT uuidv7(), id, 'requested', assignee_id, :now, '等停电计划', '设围栏，专人看守', due_at, due_at + interval '5 days', 1
FROM tickets WHERE state = 'assigned' AND due_at > :now AND right(number, 2) = '33';
