DROP TABLE aiconsql_context;
