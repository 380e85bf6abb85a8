/** Where the tables of resources are: a database may have others of the same names, of another control plane. */
export const schema = "serviceradar_control"

/** In which records are read and written: it owns nothing, cannot log in and cannot bypass row-level security. */
export const application = { role: "serviceradar_app", schema }
