-- :count tickets, as of :now, for the units and people of bench/bureau.py. Runs on the embedded PostgreSQL (uuidv7).

-- Tickets, found over sixty days: 3 % cancelled, 4 % found, 10 % assigned (a tenth of them late), 5 % fixed, the rest verified.
WITH places AS (
    SELECT u.id, u.code, u.path, row_number() OVER (ORDER BY u.code) - 1 AS place,
           (array_agg(p.id ORDER BY p.login))[1] AS assignee, (array_agg(p.unit_id ORDER BY p.login))[1] AS team
    FROM units u
    JOIN units below ON below.path LIKE u.path || '%'
    JOIN people p ON p.unit_id = below.id AND p.login LIKE 'gong%'
    WHERE u.kind IN ('station', 'team')
    GROUP BY u.id
), inspectors AS (
    SELECT array_agg(id ORDER BY login) AS ids FROM people WHERE login LIKE 'jian%'
), drawn AS (
    SELECT n, n % (SELECT count(*) FROM places) AS place, n / (SELECT count(*) FROM places) + 1 AS counter,
           CASE WHEN chance < 30 THEN 'cancelled' WHEN chance < 70 THEN 'found' WHEN chance < 170 THEN 'assigned'
                WHEN chance < 220 THEN 'fixed' ELSE 'verified' END AS state,
           CASE WHEN grade < 1 THEN 'major' WHEN grade < 11 THEN 'serious' ELSE 'general' END AS level,
           chance, kind, :now - interval '60 days' * (1 - n::float8 / :count) - interval '1 hour' AS found_at
    FROM (
        -- Three numbers that have nothing to do with one another, the same each time.
        SELECT n::bigint, abs(hashint8(n)::bigint) % 1000 AS chance, abs(hashint8(n + 1000003)::bigint) % 100 AS grade,
               abs(hashint8(n + 2000003)::bigint) % 9 AS kind
        FROM generate_series(1, :count) AS n
    ) AS numbers
), dated AS (
    SELECT *, CASE
        WHEN state <> 'assigned' THEN found_at + interval '15 days'
        WHEN chance % 10 = 0 THEN greatest(found_at + interval '1 hour', :now - interval '1 day' * (chance % 5 + 1))
        ELSE :now + interval '1 day' * (chance % 15 + 4) END AS due_at
    FROM drawn
)
INSERT INTO tickets (
    id, number, campaign_id, origin_campaign_id, unit_id, description, level, category, location, source,
    found_at, finder_id, recorded_at, fingerprint, state, assignee_id, duty, measure, budget, emergency_plan,
    first_due_at, due_at, due_version, assigned_at, acknowledged_at, fixer_id, fixer_unit_id, fixed_at, fix_note, on_the_spot,
    first_verifier_id, verifier_id, verified_at, return_count, cancelled_at, cancel_reason,
    files_expected, files_arrived, version
)
SELECT uuidv7(found_at - now()), campaigns.code || '-' || places.code || '-' || lpad(counter::text, greatest(4, length(counter::text)), '0'),
       campaigns.id, campaigns.id, places.id,
       (ARRAY['变台变压器渗漏油', '导线与树木安全距离不足', '绝缘子表面脏污有放电痕迹', '接地引下线锈蚀断开', '安全工器具未按期试验',
              '配电箱门锁损坏且无警示标志'])[n % 6 + 1] || '，第' || n || '处，须停电处理并复测绝缘电阻',
       level, (ARRAY['生产设备/变压器台区', '生产设备/变压器台区', '生产设备/线路', '生产设备/线路', '生产设备/配电箱',
              '安全工器具/绝缘', '安全管理/资料', '安全管理/工作票', '劳动安全和作业环境/通道'])[kind + 1],
       '10kV 线 ' || n % 200 || '# 杆', 'inspection', found_at, inspectors.ids[n % 6 + 1],
       found_at + interval '5 minutes', md5(n::text) || md5((-n)::text), state,
       CASE WHEN given THEN assignee END, CASE WHEN given THEN '负责停电处理' END, CASE WHEN given THEN '停电更换，恢复绝缘' END,
       CASE WHEN given AND level = 'major' THEN 5000 END, CASE WHEN given AND level = 'major' THEN '现场设围栏，专人看守' END,
       CASE WHEN given THEN due_at END, CASE WHEN given THEN due_at END, given::int,
       CASE WHEN given THEN found_at + interval '30 minutes' END, CASE WHEN given THEN found_at + interval '1 hour' END,
       CASE WHEN done THEN assignee END, CASE WHEN done THEN team END,
       CASE WHEN done THEN found_at + interval '1 hour' * (10 + n % 500) END, CASE WHEN done THEN '已停电更换密封垫并补油' END, false,
       CASE WHEN state = 'verified' AND level = 'major' THEN inspectors.ids[(n + 1) % 6 + 1] END,
       CASE WHEN state = 'verified' THEN inspectors.ids[(n + 2) % 6 + 1] END,
       CASE WHEN state = 'verified' THEN found_at + interval '1 hour' * (20 + n % 500) END, (n % 25 = 0 AND done)::int,
       CASE WHEN state = 'cancelled' THEN found_at + interval '1 day' END, CASE WHEN state = 'cancelled' THEN '重复登记' END,
       0, 0,
       CASE state WHEN 'found' THEN 1 WHEN 'verified' THEN 4 WHEN 'fixed' THEN 3 ELSE 2 END
FROM dated
JOIN places USING (place)
CROSS JOIN inspectors
CROSS JOIN (SELECT id, code FROM campaigns) AS campaigns
CROSS JOIN LATERAL (SELECT state IN ('assigned', 'fixed', 'verified') AS given, state IN ('fixed', 'verified') AS done) AS stage
ORDER BY n;

-- What somebody must act on: deadlines as they run, the rest not due for days.
INSERT INTO chases (id, matter, subject_id, unit_id, campaign_id, ticket_id, level, anchor_at, turn, next_step_at)
SELECT uuidv7(), CASE state WHEN 'found' THEN 'unassigned' WHEN 'assigned' THEN 'deadline' ELSE 'unchecked' END, id,
       unit_id, campaign_id, id, level, coalesce(due_at, recorded_at), due_version,
       greatest(coalesce(due_at, recorded_at) - interval '3 days', :now + interval '1 day')
FROM tickets WHERE state IN ('found', 'assigned', 'fixed');

-- The counters their numbers came from.
INSERT INTO number_counters (campaign_id, unit_id, last)
SELECT campaign_id, unit_id, max(split_part(number, '-', -1)::int) FROM tickets GROUP BY campaign_id, unit_id;

-- What happened to them.
INSERT INTO history (subject, subject_id, at, actor_id, actor_name, event, from_state, to_state, facts)
SELECT 'ticket', tickets.id, happened.at, happened.actor, people.name, happened.event, happened.before, happened.after,
       jsonb_build_object('level', tickets.level, 'number', tickets.number)
FROM tickets
CROSS JOIN LATERAL (VALUES
    (recorded_at, finder_id, 'found', NULL, 'found'),
    (assigned_at, finder_id, 'assign', 'found', 'assigned'),
    (fixed_at, fixer_id, 'fix', 'assigned', 'fixed'),
    (verified_at, verifier_id, 'verify', 'fixed', 'verified')
) AS happened (at, actor, event, before, after)
JOIN people ON people.id = happened.actor
WHERE happened.at IS NOT NULL;

-- What the people responsible were told, each in a message of its own.
CREATE TEMPORARY TABLE told AS
SELECT uuidv7(assigned_at - now()) AS message, tickets.id AS ticket, people.id AS person, people.email AS address,
       '整改通知 ' || tickets.number AS subject, tickets.description AS body, assigned_at AS at
FROM tickets JOIN people ON people.id = tickets.assignee_id WHERE assigned_at IS NOT NULL;

INSERT INTO dispatches (id, channel, person_id, address, created_at, not_before, attempts, sent_at, answer)
SELECT message, 'email', person, address, at, at, 1, at, '250 OK' FROM told;

INSERT INTO notices (id, key, kind, person_id, channel, address, ticket_id, subject, body, created_at, not_before,
                     responsible, shown, dispatch_id)
SELECT uuidv7(at - now()), ticket || ':assigned:2:' || person, 'assigned', person, 'email', address, ticket, subject, body,
       at, at, true, true, message FROM told;
