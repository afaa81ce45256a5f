DROP TABLE history;
DROP TABLE parts;
