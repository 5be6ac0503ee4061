# What every suite needs: where the module is, and a fresh PowerShell.

$PgOpsRoot = (Resolve-Path (Join-Path $PSScriptRoot '../..')).Path
$PgOpsModule = if ($env:PGOPS_MODULE) { $env:PGOPS_MODULE } else { Join-Path $PgOpsRoot 'PgOps.psd1' }

# Runs a script in a new PowerShell process and gives its output as strings.
function Invoke-Fresh([string] $Script) {
    $pwsh = Join-Path $PSHOME ($IsWindows ? 'pwsh.exe' : 'pwsh')
    $encoded = [Convert]::ToBase64String([System.Text.Encoding]::Unicode.GetBytes("`$ProgressPreference = 'SilentlyContinue'; `$PSStyle.OutputRendering = 'PlainText'; $Script"))
    if (Test-Path $pwsh) { & $pwsh -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand $encoded }
    else { & dotnet (Join-Path $PSHOME 'pwsh.dll') -NoProfile -NonInteractive -OutputFormat Text -EncodedCommand $encoded }
}

# A folder of migrations from a hashtable of file names and texts.
function New-MigrationFolder([System.Collections.IDictionary] $Files) {
    $folder = Join-Path $TestDrive ([guid]::NewGuid().ToString('N').Substring(0, 8))
    $null = New-Item -ItemType Directory $folder
    foreach ($file in $Files.GetEnumerator()) {
        $path = Join-Path $folder $file.Key
        $null = New-Item -ItemType Directory -Force (Split-Path $path)
        Set-Content -Path $path -Value $file.Value -NoNewline
    }
    $folder
}

# Runs a script block with a target's PG* variables, the password among them, and puts the environment back.
function Use-PgEnvironment($Target, [scriptblock] $Do) {
    $saved = @{}
    foreach ($pair in $Target.GetEnvironment().GetEnumerator()) {
        $saved[$pair.Key] = [Environment]::GetEnvironmentVariable($pair.Key)
        [Environment]::SetEnvironmentVariable($pair.Key, $pair.Value)
    }
    try { & $Do }
    # A $null would become an empty text, which libpq takes for a value.
    finally { foreach ($name in $saved.Keys) { [Environment]::SetEnvironmentVariable($name, $saved[$name] ?? [NullString]::Value) } }
}

# Runs SQL with psql; the password travels in the environment.
function Invoke-Sql($Target, [string] $Sql) {
    Use-PgEnvironment $Target {
        $result = psql -X -q -A -t -v ON_ERROR_STOP=1 -c $Sql
        if ($LASTEXITCODE -ne 0) { throw "psql ended with exit code $LASTEXITCODE." }
        $result
    }
}
