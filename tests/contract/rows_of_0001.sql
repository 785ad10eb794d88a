-- What the first release has written, in words that every database reads. Never changed.
INSERT INTO originals (id, owner, sha256, "key", bytes, format, width, height, frames, alpha, kept) VALUES
    (7, 'ada', 'a11', 'originals/a1/a11-1', 5000000000, 'png', 640, 480, 1, TRUE, TRUE),
    (8, 'ada', 'a11', 'originals/a1/a11-2', 12, 'jpeg', 64, 48, 1, FALSE, NULL);

INSERT INTO jobs (token, owner, status, recipe, original_id, results_id, attempts, products, failure, created_at,
    started_at, finished_at, expires_at, ready_at, send_at, sends, lease, lease_ends_at) VALUES
    ('a0eebc999c0b4ef8bb6d6bb9bd380a11', 'ada', 'IN_PROGRESS', '[{"name":"image","width":100}]', 7, 'r1', 1, NULL, NULL,
    1800000000001, 1800000000002, NULL, NULL, 1800000000001, NULL, 0,
    'b0eebc999c0b4ef8bb6d6bb9bd380a12', 1800000015002),
    ('c0eebc999c0b4ef8bb6d6bb9bd380a13', 'ada', 'FAILURE', '[{"name":"image","width":200}]', 8, 'r2', 3, NULL,
    '{"code": "corrupt-image", "title": "The image is damaged", "detail": "Zu früh zu Ende: ✂.", "retryable": false}',
    1800000000001, 1800000000002, 1800000000003, 4000000000003, 1800000000001, NULL, 0, NULL, NULL);

INSERT INTO garbage (id, "key", due_at) VALUES (3, 'images/r0/r0-image.png', 1800000000009);
