-- What a table whose migration was rolled back leaves behind.
DROP FUNCTION IF EXISTS {table}_by_hand() CASCADE;
DROP FUNCTION IF EXISTS {table}_to_history() CASCADE;
DROP FUNCTION IF EXISTS {table}_removed() CASCADE;
DROP FUNCTION IF EXISTS {table}_with_whole() CASCADE;
